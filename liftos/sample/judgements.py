"""The sample organisation's decisions: those of its media agent in recent weeks, with verdicts.

The agent is overconfident, so that its calibration is interesting. Every load gives the same decisions.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, log
from typing import Any
from uuid import UUID

from django.utils import timezone

from accountability.calibration.operations import calibrate
from accountability.erasure import cite
from accountability.ledger.sequencer import drain
from accountability.operations import record
from accountability.reviews.operations import review
from accountability.reviews.policy import set_policy
from accountability.types import Effect, Policy, RiskClass, Verdict
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.tenancy.types import SYSTEM, Actor, ActorKind

AGENT = Actor(ActorKind.API_KEY, "media-agent", "media-agent")
PEOPLE = (Actor(ActorKind.STAFF, "mara"), Actor(ActorKind.STAFF, "jonas"))
DECISIONS, JUDGED = 260, 225
VERSIONS = {"agent": "media-agent 1.4"}
METHOD = "media-agent/1: share of agreeing forecasts"
# review a random half, so that the calibration report is representative
POLICY = Policy(confidence_below=0.5, sample_share=0.5)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of decision that the agent makes.

    Attributes:
        operation: its name.
        risk: its risk class.
        effect: its effect.
        reasoning: with placeholders for two channels, an amount and a share.
        cites: external ids of the memories it is based on.
        wrong: reviewers' reasons for overturning one.
    """

    operation: str
    risk: RiskClass
    effect: Effect
    reasoning: str
    cites: tuple[str, ...]
    wrong: tuple[str, ...]


KINDS = (
    Kind(
        "agent.move_budget", RiskClass.LIMITED, Effect.WRITE,
        "Moved {sum} euros from {other} to {channel} for tomorrow: cost per order there was {share}% lower on each of "
        "the last four days, and the forecasts agree.",
        ("pro-106", "mod-108", "exp-102"),
        ("The weekend's weather explains it, not the channel.", "Returns were not counted: they come three days late.",
         "The holdout region must not be touched before the month is over."),
    ),
    Kind(
        "agent.stop_advert", RiskClass.LIMITED, Effect.WRITE,
        "Stopped an advert on {channel}: after {sum} euros it had cost {share}% more for an order than its group.",
        ("ins-105", "exp-119", "dec-117"),
        ("Four days are too few for an advert of this size.", "It is the only one with a picture from a customer: keep it.",
         "Its orders are shop visits, which the report does not see."),
    ),
    Kind(
        "agent.answer_bid", RiskClass.MINIMAL, Effect.WRITE,
        "Raised the bid on our own name by {share}% against the rival's on {channel}, within the bound of 1.20 euros.",
        ("dec-118", "ins-144", "exp-122"),
        ("The rival had stopped bidding at noon.", "Above the bound: 1.20 includes the share of the network."),
    ),
    Kind(
        "agent.answer_question", RiskClass.MINIMAL, Effect.READ,
        "Answered a buyer's question on {channel} from three memories that say the same; {other} was not asked about.",
        ("ins-138", "dat-109", "mod-107"),
        ("It answered for the wrong year.", "The memory that it rests on has been superseded."),
    ),
    Kind(
        "agent.pause_campaign", RiskClass.HIGH, Effect.WRITE,
        "Paused the campaign on {channel} for the rest of the week: stock of its two main articles ends on Thursday.",
        ("cam-119", "fbk-103", "mod-110"),
        ("The stock in the shops was left out.",),
    ),
)  # fmt: skip
WEIGHTS = (30, 20, 20, 90, 3)
CHANNELS = ("paid social", "paid search", "email", "direct mail", "radio", "influencers", "the app")


def load_judgements(*, organisation: UUID, memories: Mapping[str, UUID]) -> None:
    """Record the agent's decisions, fill the queue, review most of it, and calibrate.

    Args:
        organisation: that gets them.
        memories: external id to id of the sample's memories.
    """
    chance = random.Random(7)  # noqa: S311  no secret
    set_policy(organisation=organisation, by=SYSTEM, policy=POLICY)
    made: list[tuple[UUID, Kind, float]] = []
    with tenant_transaction(organisation):
        for _ in range(DECISIONS):
            [kind] = chance.choices(KINDS, WEIGHTS)
            confidence = round(chance.betavariate(5, 2), 3)
            made.append((_decide(organisation, kind, confidence, memories, chance), kind, confidence))
    drain(organisation=organisation)
    judged = 0
    for decision, kind, confidence in made:
        if kind.risk is RiskClass.HIGH or judged >= JUDGED:
            continue
        judged += 1
        good = chance.random() < 1 / (1 + exp(0.7 - 0.8 * log(confidence / (1 - confidence))))
        verdict = Verdict.APPROVE if good else Verdict.OVERTURN
        reason = "" if good else chance.choice(kind.wrong)
        review(
            organisation=organisation,
            by=PEOPLE[judged % 2],
            decision=decision,
            verdict=verdict,
            reason=reason,
        )
    _leave_work(organisation, [decision for decision, kind, _ in made if kind.risk is RiskClass.HIGH])
    calibrate(organisation=organisation, by=SYSTEM, now=timezone.now())


def _leave_work(organisation: UUID, risky: list[UUID]) -> None:
    """Leave one risky decision waiting for a second reviewer, and another waiting for information."""
    if risky:
        why = "Checked with the warehouse."
        review(
            organisation=organisation, by=PEOPLE[0], decision=risky[0], verdict=Verdict.APPROVE, reason=why
        )
    if len(risky) > 1:
        asked = "Is the delivery from Wednesday counted?"
        review(
            organisation=organisation,
            by=PEOPLE[1],
            decision=risky[1],
            verdict=Verdict.INFORMATION,
            reason=asked,
        )


def _decide(
    organisation: UUID, kind: Kind, confidence: float, memories: Mapping[str, UUID], chance: random.Random
) -> UUID:
    channel, other = chance.sample(CHANNELS, 2)
    total, share = chance.randrange(200, 2_000, 50), chance.randrange(8, 41)
    cited = [
        (memories[name], round(0.9 - 0.1 * place, 2))
        for place, name in enumerate(kind.cites)
        if name in memories
    ]
    values: dict[str, Any] = {"channel": channel, "other": other, "sum": total, "share": share}
    decision = record(
        organisation=organisation,
        by=AGENT,
        operation=kind.operation,
        reasoning=kind.reasoning.format(**values),
        effect=kind.effect,
        risk_class=kind.risk,
        subject=("channel", channel),
        inputs={"channel": channel, "euros": total, "difference": share / 100},
        outputs={"done": True},
        alternatives=[{"choice": "leave it as it is", "confidence": round(1 - confidence, 3)}],
        memories=[{"id": str(memory), "version": 1, "score": score} for memory, score in cited],
        confidence=confidence,
        confidence_method=METHOD,
        versions=VERSIONS,
    )
    cite(organisation=organisation, decision=decision, memories=[memory for memory, _ in cited])
    return decision
