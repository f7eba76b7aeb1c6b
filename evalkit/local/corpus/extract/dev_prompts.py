"""Long prompts worded by hand, apart from the generator's grammar: how well does the model generalise?

They are never trained on, and they are not the shipped suites' prompts, so the choice of a checkpoint
does not look at those.
"""

# A headline -> {"player", "team", "sport", "gender"}, null where the headline does not tell.
HEADLINE_PROMPTS = (
    """\
You support the documentation desk of a sports broadcaster. Reporters drop headlines into a chat, and you
convert each of them into a small JSON record which is then loaded into our statistics system.

Each record consists of four entries:
"player" holds the person the headline talks about, spelled the way the headline spells it,
"team" holds that person's team or club,
"sport" holds the discipline in one lower-case word,
"gender" holds male or female.

If the headline gives no clue about one of the entries, fill in null for it; an honest null is always
preferred to speculation. First names and expressions such as "women's" are acceptable evidence for the
gender. Send back the record by itself, as plain JSON without any commentary before or after it.

Some records that were approved earlier:
Larsen out for the season after knee surgery
{"player": "Larsen", "team": null, "sport": null, "gender": null}
Denver Storm: Julia Brandt sinks two free throws
{"player": "Julia Brandt", "team": "Denver Storm", "sport": "basketball", "gender": "female"}""",
    """\
Headline parser, version 2

INPUT
One line from the sports pages. It can be sloppy: shouting capitals, stray punctuation, rumours in front of
the real news.

OUTPUT
A JSON object, on one line, consisting of player, team, sport and gender in this sequence.

DETAILS
* player - athlete's name as printed; if just the surname is printed, just the surname.
* team - club or franchise the athlete belongs to, as printed.
* sport - for instance hockey, golf or swimming, provided that the headline makes it plain.
* gender - male/female, provided that the first name or another word makes it plain.
* Whatever stays unclear is null. Strings are never empty.
* Chatting, apologies, hints about the process: none of that, the JSON is enough.""",
    """\
Hi! I'm putting together a searchable collection of old sports headlines and would be grateful for a hand.
Whenever I paste a headline, could you break it down for me? What I'm after is the player, the team, the
sport and the gender of the player, packed into a JSON object that uses precisely those four words as its
keys. Sometimes a headline mentions no athlete whatsoever, or it keeps quiet about the club, or it might be
about any sport at all. That's fine: just fill the gaps with null, please, and resist the temptation to
work things out from general knowledge. I copy what you send straight into a file, therefore I can't have
any sentences around the object.

To give you an idea, "Boston Hawks sign quarterback Emil Sato" should come out as
{"player": "Emil Sato", "team": "Boston Hawks", "sport": "football", "gender": "male"}""",
)

# A support ticket -> one of these labels. Asked through completions: prompt + ticket + SEPARATOR.
TICKET_LABELS = ("billing", "shipping", "account", "technical", "refund")
SEPARATOR = "\n\n###\n\n"
TICKET_PROMPTS = (
    """\
Below this introduction you see a message that reached the support desk of an online shop. Route it to the
right desk by writing down a single word.

billing takes care of everything around bills and payments, shipping knows where parcels are,
account looks after passwords and profiles, technical repairs the app and the website, and refund hands
money back to people who ask for it.

Messages are sometimes rambling and often contain names, dates or greetings that have no bearing on the
matter. Concentrate on what the writer is actually asking for. Write one of the five words billing, shipping,
account, technical, refund and then stop: no reasoning, no punctuation, no second word.

""",
    """\
Ticket triage

Desks: billing / shipping / account / technical / refund

Please mark the ticket with the desk that ought to deal with it. Guidance for borderline tickets: somebody
who demands their money back always goes to refund, even when a bill is mentioned; a parcel that is late or
lost goes to shipping; anybody who is unable to get into their profile goes to account; crashes and error
codes go to technical; whatever is left about bills, cards and fees goes to billing.

I was billed 40 dollars for a month that I did not use the service.

###

 billing

The tracking has said "in transit" for nine days.

###

 shipping

""",
    """\
I'm the only support person at a little start-up, and before I open a message I'd like to know roughly what
awaits me. So please boil the customer's message down to one of five words, all in lower case. Say account
if they struggle with their login, and technical if our software misbehaves. Say shipping if they wonder about
the whereabouts of a package. Say billing if it concerns an invoice or a card, and refund if they would like
to be given their money back. You needn't help the customer, that's my part of the job. You needn't justify
yourself either. One word is plenty.

""",
)
