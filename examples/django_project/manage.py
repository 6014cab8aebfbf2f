"""A Django project with an LLM behind one view, and the one line that mirrors its calls.

    pip install "$REPO" django openai               # where shadow_mw's repository is
    export OPENAI_BASE_URL=https://api.openai.com/v1 OPENAI_API_KEY=...
    export SHADOW_CANDIDATE_URL=http://localhost:8001/v1 SHADOW_CANDIDATE_MODEL=my-fine-tune
    python manage.py runserver --noreload
    # or: gunicorn project.wsgi
    # or: uvicorn project.asgi:application --lifespan off
    curl localhost:8000/extract -H 'content-type: application/json' \
        -d '{"id": "invoice-17", "text": "Acme Ltd\nInvoice No: 17\nTotal: GBP 9.00"}'
    shadow-mw report

The line is in `project/settings.py`, the view in `project/views.py`.
"""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    execute_from_command_line(sys.argv)
