"""Bulk erasure: a thousand memories per transaction, one decision and receipt each, idempotent."""

from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

from accountability.ledger.sequencer import drain
from accountability.ledger.verification import verify_log
from accountability.models import DecisionRecord
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.tenancy.types import SYSTEM
from memory.erasure import operations
from memory.erasure.operations import forget_many
from memory.models import CorpusCounter, Erasure, Memory, Posting, Thread
from memory.operations import remember_many
from memory.ports import erasers
from memory.types import MemoryDraft
from tests.api.routes import NOBODYS_ID


@pytest.fixture
def five(organisation):
    drafts = [
        MemoryDraft(
            f"Order {number} of Ann",
            thread="t",
            source="crm",
            external_id=f"o-{number}",
            metadata={"n": number},
        )
        for number in range(5)
    ]
    return [each.id for each in remember_many(organisation=organisation, by=SYSTEM, drafts=drafts)]


def erase(organisation, ids, **fields):
    return list(forget_many(organisation=organisation, by=SYSTEM, memories=ids, **fields))


def left(organisation):
    with tenant_transaction(organisation):
        rows = CorpusCounter.objects.filter(organisation_id=organisation)
        counted = [sum(getattr(row, name) for row in rows) for name in ("documents", "words", "threads")]
        return Memory.objects.count(), Posting.objects.count(), Thread.objects.count(), *counted


def test_a_set_has_one_decision_and_one_receipt(organisation, five):
    [done] = erase(organisation, [*five, five[0]])
    assert (done.erased, done.gone, done.unknown) == (5, 0, ())
    assert left(organisation) == (0, 0, 0, 0, 0, 0)
    with tenant_transaction(organisation):
        assert DecisionRecord.objects.filter(operation="memory.delete").count() == 1
        receipt = Erasure.objects.get(part_of=None)
        others = Erasure.objects.exclude(part_of=None)
        assert receipt.id == done.receipt.id
        assert receipt.removed["versions"] == 5
        assert {each.part_of for each in others} == {receipt.id}
        assert {receipt.memory_id, *(each.memory_id for each in others)} == set(five)
        assert all(each.origin for each in (receipt, *others))
    drain(organisation=organisation)
    with tenant_transaction(organisation):
        assert [each.verdict.holds for each in verify_log(organisation) if each.verdict] == [True]


def test_part_of_a_thread_leaves_the_others_counted(organisation, five):
    before = left(organisation)
    erase(organisation, five[:2])
    after = left(organisation)
    assert (after[0], after[2], after[3], after[5]) == (3, 1, before[3] - 2, before[5])
    with tenant_transaction(organisation):
        assert Thread.objects.get().members == 3


def test_broken_off_it_leaves_whole_transactions_and_goes_on(organisation, five, monkeypatch):
    monkeypatch.setattr(operations, "TOGETHER", 2)
    monkeypatch.setattr(erasers, "fillers", dict(erasers.fillers))

    def fail(going):
        if five[2] in going.memories:
            raise RuntimeError("interrupted")
        return 0

    erasers.fill("drawings", fail)
    with pytest.raises(RuntimeError, match="interrupted"):
        erase(organisation, five)
    assert left(organisation)[0] == 3
    erasers.fill("drawings", lambda going: len(going.memories))
    again = erase(organisation, five)
    assert [(each.erased, each.gone) for each in again] == [(0, 2), (2, 0), (1, 0)]
    assert left(organisation)[0] == 0


def test_the_command_erases_what_a_file_lists(organisation_and_slug, five, tmp_path, capsys):
    organisation, slug = organisation_and_slug
    file = tmp_path / "ids"
    file.write_text("\n".join([*map(str, five), "", NOBODYS_ID]))
    call_command("erase_memories", slug, ids_file=str(file), reason="Ann asked")
    said = capsys.readouterr()
    assert "5 erased, 0 already erased, 1 unknown" in said.out
    assert f"unknown: {UUID(NOBODYS_ID)}" in said.err
    call_command("erase_memories", slug, ids_file=str(file))
    assert "0 erased, 5 already erased, 1 unknown" in capsys.readouterr().out
    assert left(organisation)[0] == 0


def test_file_with_an_invalid_id_erases_nothing(organisation_and_slug, five, tmp_path):
    organisation, slug = organisation_and_slug
    file = tmp_path / "ids"
    file.write_text(f"{five[0]}\nfive\n")
    with pytest.raises(CommandError, match="Line 2"):
        call_command("erase_memories", slug, ids_file=str(file))
    with pytest.raises(CommandError, match="can't be read"):
        call_command("erase_memories", slug, ids_file=str(tmp_path / "none"))
    assert left(organisation)[0] == 5


@pytest.fixture
def organisation_and_slug(organisation):
    from liftos.kernel.tenancy.models import Organisation

    return organisation, Organisation.objects.get(id=organisation).slug
