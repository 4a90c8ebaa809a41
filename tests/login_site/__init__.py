"""A site in Django whose visitors python-social-auth or django-allauth signs in."""
