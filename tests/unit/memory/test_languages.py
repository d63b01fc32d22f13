# ruff: noqa: RUF001  texts in many scripts
"""Telling the language of a text."""

import subprocess
import sys

import pytest

from memory.analysis.languages import language_of

SENTENCES = {
    "en": "The board approved the new budget for the warehouse.",
    "fr": "Le conseil a approuvé le nouveau budget de l'entrepôt.",
    "de": "Der Vorstand hat das neue Budget für das Lager genehmigt.",
    "es": "El consejo aprobó el nuevo presupuesto del almacén.",
    "it": "Il consiglio ha approvato il nuovo bilancio dell'azienda.",
    "pt": "O conselho aprovou o novo orçamento para o armazém.",
    "nl": "Het bestuur heeft het nieuwe budget voor het magazijn goedgekeurd.",
    "sv": "Styrelsen har godkänt den nya budgeten för lagret.",
    "da": "Bestyrelsen har godkendt det nye budget for lageret efter mødet.",
    "no": "Styret har godkjent det nye budsjettet for lageret etter møtet i går.",
    "fi": "Hallitus hyväksyi varaston uuden budjetin eilen.",
    "pl": "Zarząd zatwierdził nowy budżet magazynu.",
    "cs": "Představenstvo schválilo nový rozpočet skladu.",
    "ro": "Consiliul a aprobat noul buget pentru depozit.",
    "hu": "Az igazgatóság jóváhagyta a raktár új költségvetését.",
    "tr": "Yönetim kurulu deponun yeni bütçesini onayladı.",
    "vi": "Hội đồng quản trị đã phê duyệt ngân sách mới cho kho hàng.",
    "id": "Dewan telah menyetujui anggaran baru untuk gudang itu.",
    "ru": "Совет директоров утвердил новый бюджет склада.",
    "uk": "Рада директорів затвердила новий бюджет складу.",
    "bg": "Съветът на директорите одобри новия бюджет на склада.",
    "el": "Το συμβούλιο ενέκρινε τον νέο προϋπολογισμό της αποθήκης.",
    "ar": "وافق مجلس الإدارة على الميزانية الجديدة للمستودع.",
    "fa": "هیئت مدیره بودجه جدید انبار را تصویب کرد.",
    "ur": "بورڈ نے گودام کے نئے بجٹ کی منظوری دے دی ہے۔",
    "he": "הדירקטוריון אישר את התקציב החדש של המחסן.",
    "hi": "बोर्ड ने गोदाम के नए बजट को मंज़ूरी दी।",
    "ta": "கிடங்கிற்கான புதிய பட்ஜெட்டை வாரியம் அங்கீகரித்தது.",
    "th": "คณะกรรมการอนุมัติงบประมาณใหม่ของคลังสินค้า",
    "zh": "董事会批准了仓库的新预算。",
    "ja": "取締役会は倉庫の新しい予算を承認した。",
    "ko": "이사회는 창고의 새 예산을 승인했다.",
    "hy": "Խորհուրդը հաստատեց պահեստի նոր բյուջեն։",
    "km": "ក្រុមប្រឹក្សាភិបាលបានអនុម័តថវិកាថ្មី",
    "lo": "ຄະນະກໍາມະການອະນຸມັດງົບປະມານໃຫມ່",
    "my": "ဘုတ်အဖွဲ့က ဘတ်ဂျက်အသစ်ကို အတည်ပြုခဲ့သည်",
}


@pytest.mark.parametrize("language", SENTENCES)
def test_a_sentence_tells_its_language(language):
    assert language_of(SENTENCES[language]) == language


@pytest.mark.parametrize("text", ["", " \n", "SKU-4431", "2026-11-28", "🚀🚀", "v2.3.1", "???"])
def test_a_text_without_words_has_no_language(text):
    assert language_of(text) == ""


@pytest.mark.parametrize(
    "text", ["Hey! Sounds great, thanks.", "Order SKU-4431 is late", "Anna's café opened", "boots"]
)
def test_short_english_is_not_taken_for_another_language(text):
    assert language_of(text) in {"en", ""}


def test_names_in_another_script_do_not_change_the_language():
    assert language_of("Der Vertrag mit Иван Петров ist seit gestern gekündigt.") == "de"
    assert language_of("東京オフィスは SAP と Salesforce を使っている") == "ja"
    assert language_of("我们使用 Salesforce 管理客户") == "zh"


def test_every_process_tells_the_same():
    code = "from memory.analysis.languages import language_of as f; print(f('Hund og kat er i huset'), f('la casa'), f('Umsatz'))"
    answers = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(answers) == 1
