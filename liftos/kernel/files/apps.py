from django.apps import AppConfig


class FilesConfig(AppConfig):
    name = "liftos.kernel.files"
    label = "files"
    verbose_name = "Files"
