"""Types of marketing data. No Django."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any


class DataSource(StrEnum):
    """The platforms that entries come from."""

    META_BUSINESS = "meta_business"
    GOOGLE_ADS = "google_ads"
    KLAVIYO = "klaviyo"
    SHOPIFY = "shopify"
    WOOCOMMERCE = "woocommerce"
    AMAZON_SELLER_CENTRAL = "amazon_seller_central"
    HUBSPOT = "hubspot"
    SALESFORCE = "salesforce"
    STRIPE = "stripe"
    PAYPAL = "paypal"
    TIKTOK = "tiktok"
    SNOWFLAKE = "snowflake"
    DATABRICKS = "databricks"
    ZOHO_CRM = "zoho_crm"
    LINKEDIN_ADS = "linkedin_ads"
    X_ADS = "x_ads"
    MANUAL = "manual"


MEASURES = ("spend", "impressions", "clicks", "conversions", "revenue")
"""What is counted of an entry, in the order of answers."""
COUNTS = ("impressions", "clicks")
"""Measures that are never negative."""
RATIOS = ("cpm", "cpc", "ctr", "conversion_rate", "roas", "cost_per_conversion")
"""What is derived from sums of measures."""
MEMORY_TYPES = {
    DataSource.META_BUSINESS: "meta_business_data",
    DataSource.GOOGLE_ADS: "google_ads_data",
    DataSource.KLAVIYO: "klaviyo_data",
}
OTHER_TYPE = "marketing_data"
"""The memory type of entries of the other sources."""
ENTRY_TYPES = (*MEMORY_TYPES.values(), OTHER_TYPE)

MAX_ENTRIES = 10_000
MAX_NAME = 200
MAX_AMOUNT = Decimal(10) ** 15
"""Amounts are smaller, either way: a double of 15 digits gives them back as they were written."""

Figures = Mapping[str, Decimal | None]
"""Measures by name; None where the source does not say."""


@dataclass(frozen=True, slots=True)
class EntryDraft:
    """An entry of a platform, read.

    Attributes:
        source: the platform.
        source_id: the entry's id there.
        starts_on, ends_on: the days it is about, both included.
        figures: the five measures.
        campaign_id, campaign_name: empty if unknown.
        channel: the source's, unless the entry names one.
        geo: a region or country, empty if unknown.
        currency: three capital letters, empty if unknown.
        time_zone: of the days, as written; empty if unknown.
        read: fields that were read, as the entry names them.
        not_understood: the entry's other fields.
    """

    source: DataSource
    source_id: str
    starts_on: date
    ends_on: date
    figures: dict[str, Decimal | None]
    campaign_id: str = ""
    campaign_name: str = ""
    channel: str = ""
    geo: str = ""
    currency: str = ""
    time_zone: str = ""
    read: tuple[str, ...] = ()
    not_understood: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, date, date]:
        """Its key within its source."""
        return self.source_id, self.starts_on, self.ends_on

    @property
    def memory_type(self) -> str:
        """The type of its memory."""
        return MEMORY_TYPES.get(self.source, OTHER_TYPE)
