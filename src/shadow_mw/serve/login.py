"""The form that asks for the token."""

from __future__ import annotations

from typing import Final

FORM: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>shadow-mw</title>
<style>
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { display: grid; min-height: 90vh; place-items: center; margin: 0; }
form { display: grid; gap: .75rem; width: min(22rem, 90vw); }
h1 { font-size: 1.25rem; margin: 0; }
input, button { font: inherit; padding: .5rem .75rem; }
p { margin: 0; }
</style>
<form method="post" action="/login" autocomplete="off">
<h1>shadow-mw</h1>
<label for="token">Token of this service (SHADOW_OTLP_TOKEN)</label>
<input id="token" name="token" type="password" required autofocus>
<button>Show the page</button>
<p role="alert">SAID</p>
</form>
<script>
document.forms[0].action = "/login" + location.search;
// From a link elsewhere a browser brings no cookie along: from here it does.
fetch("/v1/session").then(async answer => {
  await answer.text();
  if (answer.status !== 204 || Date.now() - (sessionStorage.again ?? 0) < 5000) return;
  sessionStorage.again = Date.now();
  location.replace(location.href);
});
</script>
</html>
"""


def form(said: str) -> str:
    """The form, with what is wrong with the last attempt; plain text of ours."""
    return FORM.replace("SAID", said)
