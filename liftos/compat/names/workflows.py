"""The old platform's orchestrator of workflows: templates by a name, run for organisations."""

from collections.abc import Mapping
from typing import Any

from liftos.compat.names.calls import in_thread, principal_of, unit
from liftos.compat.names.functions import WAIT_SECONDS, UltraFastOrchestrator
from liftos.compat.names.running import finish, publish_if_new, start_run
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.functions import find_function, function_names
from workflows import queries
from workflows.definition import parse
from workflows.engine.starting import CODE_DIGITS
from workflows.publishing.shipped import shipped_template
from workflows.types import workflow_id


class WorkflowOrchestrator:
    """Registers templates by a name, and runs them for organisations."""

    def __init__(self, ultra_fast_orchestrator: UltraFastOrchestrator | None = None) -> None:
        """Make one.

        Args:
            ultra_fast_orchestrator: its `max_workers` is how many steps of a run this process carries out at once; its own
                by default. Workers of the installation may carry out others.
        """
        self.orchestrator = ultra_fast_orchestrator or UltraFastOrchestrator()
        self._templates: dict[str, dict[str, Any]] = {}

    def register_workflow_template(self, template_name: str, template: Mapping[str, Any]) -> None:
        """Take a template, in the old platform's form or ours.

        Raises:
            Faulty: everything that is wrong with it.
        """
        parse(template, functions=find_function, names=function_names)
        self._templates[template_name] = dict(template)

    def list_workflow_templates(self) -> list[str]:
        """Return the names of those that were registered here."""
        return sorted(self._templates)

    def remove_workflow_template(self, name: str) -> None:
        """Forget one.

        Raises:
            KeyError: it was not registered here.
        """
        del self._templates[name]

    async def create_workflow_from_template(
        self, template_name: str, org_id: str, parameters: Mapping[str, Any] | None = None
    ) -> str:
        """Start a run of a registered template, which workers carry out; return the workflow's id in the old platform's form.

        Raises:
            KeyError: it was not registered here, and does not come with the product.
            Faulty: a parameter is missing, surplus or of the wrong kind.
        """
        return await in_thread(self._create)(template_name, org_id, parameters)

    async def execute_template_workflow(
        self,
        template_name: str,
        org_id: str,
        parameters: Mapping[str, Any] | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Run a registered template; see `execute_workflow`. `context` is handed to the functions that declare one."""
        return await in_thread(self.execute_workflow)(
            org_id, template_name, parameters, WAIT_SECONDS, context
        )

    @unit
    def execute_workflow(
        self,
        org_id: str,
        name: str,
        parameters: Mapping[str, Any] | None = None,
        wait_seconds: float = 30.0,
        context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Run a template that was registered, or comes with the product, for an organisation, publishing it there if it is new or has changed.

        Steps have their timeouts and retries, and run beside one another, as in a worker; no worker need be there.

        Returns:
            `id`, `status`, and `results`: each step's, by its name. After `wait_seconds` the status may still be `running`: the run
            goes on while this process lives.

        Raises:
            KeyError: it was not registered here, and does not come with the product.
            Faulty: a parameter is missing, surplus or of the wrong kind.
        """
        principal, payload = principal_of(org_id), self._template(name)
        publish_if_new(principal, payload)
        started = start_run(principal, payload["name"], parameters or {}, context or {})
        finish(principal, started, at_once=self.orchestrator.max_workers, seconds=wait_seconds)
        with tenant_transaction(principal.organisation):
            run = queries.get_run(organisation=principal.organisation, run=started)
            done = queries.list_steps(run=run)
        return {
            "id": str(run.id),
            "status": str(run.status),
            "results": {step.name: step.result for step in done},
        }

    @unit
    def _create(self, name: str, org_id: str, parameters: Mapping[str, Any] | None) -> str:
        principal, payload = principal_of(org_id), self._template(name)
        publish_if_new(principal, payload)
        run = start_run(principal, payload["name"], parameters or {}, {}, hint=True)
        return workflow_id(principal.slug, run.hex[-CODE_DIGITS:])

    def _template(self, name: str) -> dict[str, Any]:
        found = self._templates.get(name) or shipped_template(name)
        if found is None:
            raise KeyError(name)
        return found
