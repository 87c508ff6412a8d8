"""Tests: the servers that tests/conftest.py has started."""

import os
from ipaddress import ip_network

import dj_database_url

from mutt_project.secrets.present import Fixed, Secrets
from mutt_project.settings.base import *

SECRET_KEY = "for tests only"  # noqa: S105 - it protects nothing
MUTT_SECRETS = Secrets(Fixed({"MUTT_SECRET_KEY": SECRET_KEY, "MOOGSOFT_API_KEY": "a-key-for-tests"}))
DATABASES = {"default": dj_database_url.parse(os.environ["DATABASE_URL"], engine="mutt_project.postgresql")}
REDIS_URL = os.environ["REDIS_URL"]
CELERY_BROKER_URL = REDIS_URL
MOOGSOFT_URL = "http://127.0.0.1:1/v1/integrations/events"
MOOGSOFT_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
MUTT_LOGIN_RATE = "1000000/minute"
MUTT_ANONYMOUS_RATES = ["1000000/minute"]
MUTT_CANARY_EVERY_S = 0.0
MUTT_RULE_SET_MAX_AGE_S = 0.000001
MUTT_TRAFFIC_EVERY_S = 0  # never: a thread's rows would outlive the test
MUTT_GATHER_S = 0.0  # tests look at the queue at once
