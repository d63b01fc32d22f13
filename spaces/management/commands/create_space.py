"""`manage.py create_space`: create a space from a template."""

import json
from argparse import ArgumentParser
from typing import Any

from liftos.kernel.telemetry.command import ObservedCommand
from liftos.kernel.tenancy.queries import get_organisation
from liftos.kernel.tenancy.types import SYSTEM
from spaces.operations import create_space
from spaces.space_templates import TEMPLATES


class Command(ObservedCommand):
    help = "Create a conceptual space from a template; every memory is a member unless --members-only."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("organisation", help="the organisation's slug")
        parser.add_argument("--template", choices=sorted(TEMPLATES), default="marketing")
        parser.add_argument("--name", default="", help="name of the space (default: the template's title)")
        parser.add_argument(
            "--members-only", action="store_true", help="start empty; members are added one by one"
        )
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        template = TEMPLATES[options["template"]]
        space = create_space(
            organisation=get_organisation(options["organisation"]).id,
            by=SYSTEM,
            name=options["name"] or template.title,
            description=template.description,
            dimensions=template.dimensions,
            holds_all=not options["members_only"],
        )
        if options["json"]:
            self.stdout.write(json.dumps({"id": str(space.id), "name": space.name, "version": space.version}))
            return
        self.stdout.write(f"{space.name}, {len(template.dimensions)} dimensions: {space.id}")
