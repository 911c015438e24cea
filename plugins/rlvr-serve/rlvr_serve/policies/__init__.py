"""A trained policy behind OpenAI's API, with an engine of our own or one that runs elsewhere."""
