"""Each platform's usual names of what an entry says. Pure.

A name with dots is a field of that name or nested fields. The first name that an entry has counts; MEASURES by their own names and
the GENERAL names are read of every platform.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from workflows.marketing.types import MEASURES, DataSource

Names = tuple[str, ...]

GENERAL: Mapping[str, Names] = {
    "source_id": ("id",),
    "starts_on": ("date_start", "date_range_start", "start_date", "date_from", "date", "day", "timestamp", "created_at"),
    "ends_on": ("date_stop", "date_end", "date_range_end", "end_date", "date_to"),
    "time_zone": ("time_zone", "timezone", "account_timezone", "timezone_name"),
    "currency": ("currency", "account_currency", "currency_code"),
    "campaign_id": ("campaign_id", "campaignId", "campaign.id"),
    "campaign_name": ("campaign_name", "campaignName", "campaign.name", "campaign"),
    "channel": ("channel",),
    "geo": ("geo", "region", "country"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Platform:
    """The names and habits of a platform.

    Attributes:
        names: of measures and of GENERAL's keys, before the general ones.
        micros: fields in millionths of a unit.
        takes_text: whether it writes numbers as texts.
        channel: of entries that name none; empty for the source's own name.
    """

    names: Mapping[str, Names] = field(default_factory=dict)
    micros: frozenset[str] = frozenset()
    takes_text: bool = True
    channel: str = ""

    def names_of(self, what: str) -> Names:
        """Return the names of a measure or of a key of GENERAL, best first."""
        own = (what,) if what in MEASURES else ()
        return tuple(dict.fromkeys((*self.names.get(what, ()), *own, *GENERAL.get(what, ()))))


ACTIONS: Mapping[str, str] = {"conversions": "actions", "revenue": "action_values"}
"""Meta's lists of `{action_type, value}`, by the measure that their PURCHASE is."""
PURCHASE = "purchase"

_STORE: Mapping[str, Names] = {
    "revenue": ("total_price", "amount", "total", "total_sales", "net_sales"),
    "starts_on": ("created_at", "date_created", "processed_at"),
    "campaign_id": ("utm_campaign",),
}

PLATFORMS: Mapping[DataSource, Platform] = {
    DataSource.META_BUSINESS: Platform({"campaign_name": ("campaign_name",)}),
    DataSource.GOOGLE_ADS: Platform(
        {
            "spend": ("cost_micros", "metrics.cost_micros", "metrics.costMicros", "costMicros", "cost"),
            "impressions": ("impressions", "metrics.impressions"),
            "clicks": ("clicks", "metrics.clicks"),
            "conversions": ("conversions", "metrics.conversions"),
            "revenue": (
                "conversion_value", "conversions_value", "metrics.conversions_value", "metrics.conversionsValue",
            ),
            "starts_on": ("date", "segments.date"),
            "currency": ("customer.currency_code", "customer.currencyCode"),
            "time_zone": ("customer.time_zone", "customer.timeZone"),
        },
        micros=frozenset({"cost_micros", "metrics.cost_micros", "metrics.costMicros", "costMicros"}),
    ),
    DataSource.KLAVIYO: Platform(
        {
            "impressions": ("delivered", "statistics.delivered"),
            "clicks": ("clicked", "statistics.clicks", "statistics.clicked"),
            "conversions": ("conversions", "statistics.conversions"),
            "revenue": ("revenue", "statistics.conversion_value"),
            "starts_on": ("date", "send_time", "sent_at", "send_date"),
        },
        channel="email",
    ),
    DataSource.SHOPIFY: Platform(_STORE),
    DataSource.WOOCOMMERCE: Platform(_STORE),
    DataSource.AMAZON_SELLER_CENTRAL: Platform(
        {
            "spend": ("cost", "total_spend"),
            "conversions": ("purchases", "units_ordered", "orders"),
            "revenue": ("sales", "ordered_product_sales", "attributed_sales", "amount"),
        }
    ),
    DataSource.HUBSPOT: Platform(
        {
            "spend": ("spend", "budget_spent"),
            "revenue": ("amount", "properties.amount", "hs_closed_amount"),
            "conversions": ("conversions", "contacts", "deals"),
            "starts_on": ("closedate", "properties.closedate", "createdate", "properties.createdate"),
        }
    ),
    DataSource.SALESFORCE: Platform(
        {
            "source_id": ("id", "Id"),
            "revenue": ("Amount", "amount", "AmountWonOpportunities"),
            "spend": ("ActualCost",),
            "conversions": ("NumberOfWonOpportunities", "NumberOfConvertedLeads"),
            "starts_on": ("CloseDate", "StartDate", "CreatedDate"),
            "ends_on": ("EndDate",),
            "campaign_id": ("CampaignId",),
            "currency": ("CurrencyIsoCode",),
        }
    ),
    DataSource.STRIPE: Platform(
        {"revenue": ("amount", "net"), "starts_on": ("created", "created_at")}, takes_text=False
    ),
    DataSource.PAYPAL: Platform(
        {
            "source_id": ("id", "transaction_id"),
            "revenue": ("amount", "gross", "transaction_amount.value", "amount.value"),
            "currency": ("currency", "transaction_amount.currency_code", "amount.currency_code"),
            "starts_on": ("transaction_initiation_date", "create_time"),
        }
    ),
    DataSource.TIKTOK: Platform(
        {
            "spend": ("cost", "stat_cost", "metrics.spend"),
            "impressions": ("show_cnt", "metrics.impressions"),
            "clicks": ("click_cnt", "metrics.clicks"),
            "conversions": ("conversion", "convert_cnt", "complete_payment", "metrics.conversion"),
            "revenue": ("total_complete_payment_rate", "total_purchase_value", "metrics.total_purchase_value"),
            "starts_on": ("stat_time_day", "dimensions.stat_time_day"),
            "campaign_id": ("dimensions.campaign_id",),
        }
    ),
    DataSource.SNOWFLAKE: Platform(takes_text=False),
    DataSource.DATABRICKS: Platform(takes_text=False),
    DataSource.ZOHO_CRM: Platform(
        {"revenue": ("Amount", "amount"), "starts_on": ("Closing_Date", "Created_Time"), "campaign_id": ("Campaign_Source.id",)}
    ),
    DataSource.LINKEDIN_ADS: Platform(
        {
            "spend": ("cost", "costInLocalCurrency", "costInUsd"),
            "conversions": ("externalWebsiteConversions", "external_website_conversions"),
            "revenue": ("conversionValueInLocalCurrency", "conversion_value"),
            "campaign_id": ("pivotValue",),
        }
    ),
    DataSource.X_ADS: Platform(
        {
            "spend": ("billed_charge_local_micro", "metrics.billed_charge_local_micro", "cost"),
            "impressions": ("metrics.impressions",),
            "clicks": ("url_clicks", "metrics.clicks"),
            "conversions": ("conversion_purchases",),
            "revenue": ("conversion_purchases_value", "sale_amount_local_micro"),
        },
        micros=frozenset(
            {"billed_charge_local_micro", "metrics.billed_charge_local_micro", "sale_amount_local_micro"}
        ),
    ),
    DataSource.MANUAL: Platform(takes_text=False),
}  # fmt: skip
