"""What the embedded base model and its judge are taught: an endless, seeded stream of episodes (`mix`).

chat/, extract/, labels/, grading/, tools/ and passages/ each write one kind of episode; names and facts are
shared, and all wordings are plain text in wordings/. Development only: nothing that runs on a user's machine
imports this package.
"""
