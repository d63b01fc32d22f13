"""The admin of documents: upload, pages, passages."""

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import ResolverMatch, URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.http import content_disposition_header
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin

from liftos.kernel.admin.middleware import opened
from liftos.kernel.admin.on_record import staff_actor
from liftos.kernel.admin.parts import ReadOnly, UncountedPaginator, drawn_once, table
from liftos.kernel.errors import LiftosError
from liftos.kernel.files.operations import read_file
from liftos.kernel.http.uploads import read_upload
from memory.documents.operations import commit_document, prepare_document
from memory.documents.queries import list_passages
from memory.documents.types import Upload
from memory.models import Document

# passages on a document's page; the API has all
MAX_PASSAGES = 200
UPLOAD = "memory_document_upload"
FIELDS = ("title", "keep_original", "csrfmiddlewaretoken")


@admin.register(Document)
class DocumentAdmin(ReadOnly, ModelAdmin):
    list_display = ("__str__", "media_type", "pages", "characters", "version", "is_kept", "recorded_at")
    search_fields = ("=memory__id", "=memory__external_id", "title", "name")
    search_help_text = "Part of a title or file name, or an exact id or external id"
    ordering = ("-id",)
    show_full_result_count = False
    paginator = UncountedPaginator
    list_before_template = "memory/upload_form.html"
    fields = (
        "title", "name", "media_type", "pages", "characters", "bytes", "sha256", "version", "recorded_at", "of_memory",
        "original", "passages",
    )  # fmt: skip
    readonly_fields = ("of_memory", "original", "passages")

    @admin.display(description="Original kept", boolean=True)
    def is_kept(self, document: Document) -> bool:
        return bool(document.file)

    @admin.display(description="Memory")
    def of_memory(self, document: Document) -> SafeString:
        url = reverse("admin:memory_memory_change", args=[document.memory_id])
        return format_html('<a href="{}">{}</a>', url, document.memory_id)

    @admin.display(description="Original")
    def original(self, document: Document) -> SafeString | str:
        if not document.file:
            return "Not kept"
        url = reverse("admin:memory_document_original", args=[document.pk])
        return format_html('<a href="{}">Download</a>', url)

    @admin.display(description="Passages")
    @drawn_once
    def passages(self, document: Document) -> SafeString | str:
        """The passages of the memory's newest text; of an earlier one only the newest document's page tells."""
        if document.version < document.memory.text_version:
            return "The document has a newer version."
        found = list_passages(
            organisation=document.organisation_id, memory=document.memory, after=0, limit=MAX_PASSAGES
        )
        rows = [
            (each.number, each.place.page or "", each.place.heading, each.language, each.text)
            for each in found
        ]
        return table(("Passage", "Page", "Heading", "Language", "Text"), rows, label="Passages")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        shown = {"may_upload": self._may(request), "most": settings.LIFTOS_DOCUMENT_BYTES // 2**20}
        return super().changelist_view(request, shown | (extra_context or {}))

    def get_urls(self) -> list[URLPattern]:
        site = self.admin_site
        upload = site.admin_view(self.upload)
        upload.model_admin = self
        return [
            path("upload/", upload, name=UPLOAD),
            path("<id:document>/original/", site.admin_view(self.download), name="memory_document_original"),
            *super().get_urls(),
        ]

    def prepare_page(self, request: HttpRequest, match: ResolverMatch) -> None:
        """Parse and embed an uploaded document before the transaction."""
        if match.url_name != UPLOAD or request.method != "POST" or not self._may(request):
            return
        try:
            sent = read_upload(request, fields=FIELDS, most=settings.LIFTOS_DOCUMENT_BYTES)
            upload = Upload(
                content=sent.content,
                name=sent.name,
                media_type=sent.media_type,
                charset=sent.charset,
                title=sent.fields.get("title", "").replace("\x00", "")[:300],
                keep_original="keep_original" in sent.fields,
            )
            request.prepared_document = prepare_document(opened(request).id, upload)  # type: ignore[attr-defined]
        except LiftosError as error:
            request.refused_document = error  # type: ignore[attr-defined]

    def upload(self, request: HttpRequest) -> HttpResponse:
        """Store the uploaded document, recorded as the signed-in user's."""
        if not self._may(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        page = reverse("admin:memory_document_changelist")
        try:
            refused = getattr(request, "refused_document", None)
            if refused is not None:
                raise refused
            stored = commit_document(
                organisation=opened(request).id,
                by=staff_actor(request),
                prepared=request.prepared_document,  # type: ignore[attr-defined]
            )
        except LiftosError as error:
            self.message_user(request, error.message, messages.ERROR)
            return HttpResponseRedirect(page)
        self.message_user(request, f"Stored: {stored.passages} passages.", messages.SUCCESS)
        row = Document.objects.filter(memory_id=stored.id).order_by("-version").first()
        return HttpResponseRedirect(reverse("admin:memory_document_change", args=[row.pk]) if row else page)

    def download(self, request: HttpRequest, document: Any) -> HttpResponseBase:
        """Return the original file as an attachment."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = Document.objects.filter(organisation_id=opened(request).id, id=document).first()
        try:
            content = read_file(organisation=opened(request).id, key=row.file) if row and row.file else None
        except LiftosError as error:
            self.message_user(request, error.message, messages.ERROR)
            content = None
        if row is None or content is None:
            return HttpResponseRedirect(reverse("admin:memory_document_changelist"))
        answer = HttpResponse(content, content_type="application/octet-stream")
        answer["Content-Disposition"] = (
            content_disposition_header(True, row.name or "document") or "attachment"
        )
        return answer

    def _may(self, request: HttpRequest) -> bool:
        return (
            request.user.has_perm("memory.change_memory")
            and getattr(request, "organisation", None) is not None
        )
