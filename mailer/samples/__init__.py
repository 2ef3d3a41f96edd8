"""Sample programmes that come with the package: a real season and a made-up one.

Data only; read them with ``importlib.resources.files("mailer.samples")``.
"""
