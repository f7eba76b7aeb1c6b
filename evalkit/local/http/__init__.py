"""What every endpoint needs of HTTP: who may ask, requests read strictly, errors in OpenAI's form."""
