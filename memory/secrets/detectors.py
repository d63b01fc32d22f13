"""The table of detectors. A kind's name is part of the API (docs/memory-life.md)."""

import re
from collections.abc import Callable
from re import Match

from memory.secrets.checks import (
    has_digit_and_letter,
    is_basic,
    is_card,
    is_iban,
    is_jwt,
    is_password,
    is_random,
    is_url_password,
)
from memory.secrets.types import Detector

_NAMES_OF_PASSWORDS = (
    r"passwor[dt]|passwd|passphrase|pwd|kennwort|passcode|mot de passe|contraseña|contrasena|senha"
)
_NAMES_OF_KEYS = (
    r"api[_\- ]?keys?|apikey|api[_\- ]?token|secret[_\- ]?(?:access[_\- ]?)?key|access[_\- ]?(?:key|token)|auth[_\- ]?(?:key|token)|"
    r"client[_\- ]?secret|private[_\- ]?key|signing[_\- ]?key|encryption[_\- ]?key|refresh[_\- ]?token|bearer[_\- ]?token|"
    r"session[_\- ]?token|account[_\- ]?key|webhook[_\- ]?secret|secret|token|credentials?"
)
# a name begins a word, after _ or -, or in camel case
_BEGINS = r"(?:(?<![A-Za-z])|(?-i:(?<=[a-z])(?=[A-Z])))"
_SIGN = r"""["'`]?\s*(?:=>|:=|==?|:)\s*["'`]?"""


def _token(
    kind: str, pattern: str, *needles: str, accepts: Callable[[Match[str]], bool] | None = None
) -> Detector:
    """Return the detector of a provider's tokens, which stand apart from letters, digits, _ and -."""
    whole = rf"(?<![A-Za-z0-9_-])(?P<secret>{pattern})(?![A-Za-z0-9_])"
    return Detector(kind, re.compile(whole), needles, accepts)


DETECTORS: tuple[Detector, ...] = (
    Detector(
        "private_key",
        re.compile(
            r"(?P<secret>-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"
            r"(?:.*?-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----|[A-Za-z0-9+/=\\\s:,()-]*))",
            re.DOTALL,
        ),
        ("private key",),
    ),
    Detector(
        "private_key",
        re.compile(r"(?P<secret>PuTTY-User-Key-File-\d:.*?Private-MAC: [0-9a-f]+)", re.DOTALL),
        ("putty-user-key-file",),
    ),
    _token("private_key", r"AGE-SECRET-KEY-1[A-Z0-9]{58}", "age-secret-key-1"),
    _token("jwt", r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]{8,}", "eyj", accepts=is_jwt),
    _token("aws_access_key", r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}", "akia", "asia", "abia", "acca"),
    _token("github_token", r"gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255}", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
    _token("gitlab_token", r"gl(?:pat|dt|rt|cbt|ptt|ft|agent|oas|soat|imt)-[A-Za-z0-9_-]{20,}(?:\.[A-Za-z0-9_-]+)*", "glpat-", "gldt-", "glrt-", "glcbt-", "glptt-", "glft-", "glagent-", "gloas-", "glsoat-", "glimt-"),
    _token("slack_token", r"xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-\d-[A-Za-z0-9-]{10,}", "xox", "xapp-", accepts=has_digit_and_letter),
    Detector("slack_webhook", re.compile(r"(?P<secret>https://hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/_+-]{20,})"), ("hooks.slack.com",)),
    Detector("discord_webhook", re.compile(r"(?P<secret>https://(?:\w+\.)?discord(?:app)?\.com/api/webhooks/\d+/[\w-]{30,})"), ("/api/webhooks/",)),
    _token("stripe_key", r"(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9+/=]{24,}", "sk_live_", "sk_test_", "rk_live_", "rk_test_", "whsec_"),
    _token("anthropic_key", r"sk-ant-[A-Za-z0-9_-]{20,}", "sk-ant-"),
    _token("openai_key", r"sk-(?!ant-)[A-Za-z0-9_-]{20,}", "sk-", accepts=has_digit_and_letter),
    _token("google_api_key", r"AIza[A-Za-z0-9_-]{35}", "aiza"),
    _token("google_oauth", r"ya29\.[A-Za-z0-9_-]{20,}|GOCSPX-[A-Za-z0-9_-]{28}|1//0[A-Za-z0-9_-]{40,}", "ya29.", "gocspx-", "1//0"),
    _token("azure_secret", r"[A-Za-z0-9_~.]{3}\dQ~[A-Za-z0-9_~.-]{31,34}", "q~"),
    Detector("azure_secret", re.compile(r"(?:AccountKey|SharedAccessKey)=(?P<secret>[A-Za-z0-9+/]{43,86}={1,2})"), ("accountkey=", "sharedaccesskey=")),
    Detector("azure_secret", re.compile(r"[?&]sig=(?P<secret>[A-Za-z0-9%+/]{43,}(?:=|%3[dD])?)"), ("sig=",)),
    _token("twilio_key", r"SK[0-9a-f]{32}", "sk"),
    _token("sendgrid_key", r"SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{16,64}", "sg."),
    _token("mailgun_key", r"key-[0-9a-f]{32}", "key-"),
    _token("mailchimp_key", r"[0-9a-f]{32}-us\d{1,2}", "-us"),
    _token("npm_token", r"npm_[A-Za-z0-9]{36}", "npm_"),
    _token("pypi_token", r"pypi-[A-Za-z0-9_-]{50,}", "pypi-"),
    _token("rubygems_key", r"rubygems_[0-9a-f]{48}", "rubygems_"),
    _token("docker_token", r"dckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}", "dckr_"),
    _token("huggingface_token", r"(?:hf|api_org)_[A-Za-z0-9]{30,40}", "hf_", "api_org_"),
    _token("shopify_token", r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}", "shpat_", "shpca_", "shppa_", "shpss_"),
    _token("square_token", r"sq0(?:atp|csp|idp)-[A-Za-z0-9_-]{22,43}", "sq0"),
    _token("digitalocean_token", r"do[opr]_v1_[0-9a-f]{64}", "_v1_"),
    _token("databricks_token", r"dapi[0-9a-f]{32}(?:-\d)?", "dapi"),
    _token("linear_key", r"lin_(?:api|oauth)_[A-Za-z0-9]{32,}", "lin_"),
    _token("notion_token", r"ntn_[A-Za-z0-9]{40,}|secret_[A-Za-z0-9]{43}", "ntn_", "secret_"),
    _token("atlassian_token", r"ATATT3[A-Za-z0-9_=-]{50,}", "atatt3"),
    _token("figma_token", r"figd_[A-Za-z0-9_-]{30,}", "figd_"),
    _token("postman_key", r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}", "pmak-"),
    _token("newrelic_key", r"NRAK-[A-Z0-9]{27}", "nrak-"),
    _token("grafana_token", r"glsa_[A-Za-z0-9]{32}_[0-9a-fA-F]{8}|glc_[A-Za-z0-9+/=]{32,}", "glsa_", "glc_"),
    _token("vault_token", r"hv[sbr]\.[A-Za-z0-9_-]{24,}", "hvs.", "hvb.", "hvr."),
    _token("terraform_token", r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,}", ".atlasv1."),
    _token("doppler_token", r"dp\.(?:pt|st|ct|scim|audit)\.[A-Za-z0-9_.-]{40,}", "dp."),
    _token("planetscale_token", r"pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.=-]{32,}", "pscale_"),
    _token("supabase_key", r"sb[p]_[0-9a-f]{40}|sb_secret_[A-Za-z0-9_-]{20,}", "sbp_", "sb_secret_"),
    _token("sentry_token", r"sntry[su]_[A-Za-z0-9_=+/]{40,}", "sntrys_", "sntryu_"),
    _token("telegram_token", r"\d{8,10}:AA[A-Za-z0-9_-]{33}", ":aa"),
    # the first character comes before the look behind, so that the search skips to it
    Detector("discord_token", re.compile(r"(?P<secret>[MNO](?<![A-Za-z0-9_-][MNO])[A-Za-z\d_-]{23,27}\.[A-Za-z\d_-]{6}\.[A-Za-z\d_-]{27,40})(?![A-Za-z0-9_])"), (".",)),
    _token("groq_key", r"gsk_[A-Za-z0-9]{40,}", "gsk_"),
    _token("xai_key", r"xai-[A-Za-z0-9]{40,}", "xai-"),
    _token("replicate_token", r"r8_[A-Za-z0-9]{37}", "r8_"),
    _token("perplexity_key", r"pplx-[A-Za-z0-9]{40,}", "pplx-"),
    _token("liftos_key", r"liftos_[0-9a-f]{8,}_[A-Za-z0-9_-]{20,}", "liftos_"),
    Detector(
        "url_password",
        re.compile(r"\b[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s/:@\"'<>?#]{0,200}:(?P<secret>[^\s/@\"'<>]{1,200})@(?=[\w\[])"),
        ("://",),
        is_url_password,
    ),
    Detector("bearer_token", re.compile(r"\b[Bb]earer\s+(?P<secret>[A-Za-z0-9._~+/-]{20,}=*)"), ("bearer",), is_random),
    Detector("basic_auth", re.compile(r"\b[Bb]asic\s+(?P<secret>[A-Za-z0-9+/]{8,}={0,2})(?![A-Za-z0-9+/=])"), ("basic",), is_basic),
    Detector(
        "iban",
        re.compile(r"(?<![A-Za-z0-9])(?P<secret>[A-Z]{2}\d{2}(?:[ \u00a0\u202f]?[A-Z0-9]{4}){2,7}(?:[ \u00a0\u202f]?[A-Z0-9]{1,3})?)(?![A-Za-z0-9])"),
        (),
        is_iban,
    ),
    Detector(
        "card_number",
        re.compile(
            r"(?P<secret>\d(?<![\w.:/#+-]\d)(?:\d{12,18}|\d{3}(?:[ \u00a0\u202f-]\d{4}){3}(?:[ -]\d{3})?|\d{3}[ \u00a0\u202f-]\d{6}[ \u00a0\u202f-]\d{4,5}))"
            r"(?![\w-]|\.\d)"
        ),
        (),
        is_card,
    ),
    Detector(
        "secret_assignment",
        re.compile(rf"(?i){_BEGINS}(?:{_NAMES_OF_KEYS}){_SIGN}(?P<secret>[^\s\"'`,;<>]{{16,4096}})"),
        ("key", "token", "secret", "credential"),
        is_random,
    ),
    Detector(
        "password",
        re.compile(
            rf"(?i){_BEGINS}(?:{_NAMES_OF_PASSWORDS})(?:{_SIGN}|\s+(?:is|ist|lautet|es|est|é)\s*:?\s+[\"'`]?)"
            r"(?P<secret>[^\s\"'`,;<>]{6,200})"
        ),
        ("passwo", "passwd", "passph", "pwd", "kennwort", "passcode", "mot de passe", "contrase", "senha"),
        is_password,
    ),
)  # fmt: skip
"""In the order in which they claim places of a text that several of them find."""

NAMES_PASSWORD = re.compile(
    rf"(?i)(?:^|[_.\-\s])(?:{_NAMES_OF_PASSWORDS})$|(?:[a-z])(?:Password|Passwd|Pwd|Passphrase)$"
)
"""Metadata keys whose value is a password."""
NAMES_KEY = re.compile(
    rf"(?i)(?:^|[_.\-\s])(?:{_NAMES_OF_KEYS})$|[a-z](?:ApiKey|Secret|Token|AccessKey|PrivateKey)$"
)
"""Metadata keys whose value is a key or token."""
NAMED_PASSWORD = Detector("password", re.compile(r"^(?P<secret>.{6,200})$", re.DOTALL), (), is_password)
NAMED_KEY = Detector("secret_assignment", re.compile(r"^(?P<secret>\S{16,4096})$"), (), is_random)
