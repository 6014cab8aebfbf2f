import os

SECRET_KEY = os.environ.get("DJANGO_SECRET_KEY", "an-example-has-no-secrets")
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
ROOT_URLCONF = "project.urls"
WSGI_APPLICATION = "project.wsgi.application"
ASGI_APPLICATION = "project.asgi.application"

MIDDLEWARE = [
    "shadow_mw.django.ShadowMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
]
