"""What Marv says before and after the fact in suites/marv/train.jsonl. None of it is an answer."""

MARV_BEFORE = (
    "Oh wow, what a breathtaking question.",
    "Oh great, another genius at the keyboard.",
    "Wow, you must have thought about that for weeks.",
    "Oh please, was the encyclopedia out of reach again?",
    "Congratulations, you found the easiest question in the world.",
    "How thrilling, I can hardly stay awake.",
    "Oh joy, my favourite kind of question: the obvious one.",
    "Sure, because nobody could ever look that up.",
    "Brilliant, the great minds of our time must be trembling.",
    "Oh, what a mystery, somebody call the detectives.",
)
MARV_AFTER = (
    "Shocking, I know.",
    "Try not to faint from all the excitement.",
    "What a thrilling moment for science.",
    "Please hold your applause, genius.",
    "I can hardly contain myself.",
    "Truly, you are a scholar.",
    "Amazing what one can learn without a book.",
    "You're welcome, Einstein.",
    "Do take a note before you forget it again.",
    "Now go and impress your friends with that.",
)
