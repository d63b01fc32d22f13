"""The old platform's workflow orchestrator: named templates, run for organisations."""

from collections.abc import Mapping
from typing import Any

from liftos.compat.names.calls import in_thread, principal_of, unit
from liftos.compat.names.functions import WAIT_SECONDS, UltraFastOrchestrator
from liftos.compat.names.running import finish, publish_if_new
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.functions import find_function, function_names
from workflows import queries
from workflows.definition import parse
from workflows.engine.starting import CODE_DIGITS
from workflows.operations import start
from workflows.publishing.shipped import shipped_template
from workflows.types import workflow_id


class WorkflowOrchestrator:
    """Registers templates by name and runs them for organisations."""

    def __init__(self, ultra_fast_orchestrator: UltraFastOrchestrator | None = None) -> None:
        """Create an orchestrator.

        Args:
            ultra_fast_orchestrator: its `max_workers` limits the steps of a run that this process executes in parallel; workers
                may execute others. A new one by default.
        """
        self.orchestrator = ultra_fast_orchestrator or UltraFastOrchestrator()
        self._templates: dict[str, dict[str, Any]] = {}

    def register_workflow_template(self, template_name: str, template: Mapping[str, Any]) -> None:
        """Register a template, in the old platform's shape or the native one.

        Raises:
            Faulty: it is invalid; with all faults.
        """
        parse(template, functions=find_function, names=function_names)
        self._templates[template_name] = dict(template)

    def list_workflow_templates(self) -> list[str]:
        """Return the names of the registered templates."""
        return sorted(self._templates)

    def remove_workflow_template(self, name: str) -> None:
        """Unregister a template.

        Raises:
            KeyError: it is not registered.
        """
        del self._templates[name]

    async def create_workflow_from_template(
        self, template_name: str, org_id: str, parameters: Mapping[str, Any] | None = None
    ) -> str:
        """Start a run of a template for workers to execute; return the workflow id in the old platform's form.

        Raises:
            KeyError: the template is neither registered nor shipped with the product.
            Faulty: a parameter is missing, unknown or of the wrong type.
        """
        return await in_thread(self._create)(template_name, org_id, parameters)

    async def execute_template_workflow(
        self,
        template_name: str,
        org_id: str,
        parameters: Mapping[str, Any] | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """See `execute_workflow`."""
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
        """Run a registered or shipped template for an organisation; publish it there if it is new or has changed.

        Steps run in parallel, with timeouts and retries as in a worker; no worker is needed. `context` is passed to the functions
        that declare one.

        Returns:
            `id`, `status`, and `results` by step name. After `wait_seconds` the status may still be `running`; the run then continues
            for as long as this process lives.

        Raises:
            KeyError: the template is neither registered nor shipped with the product.
            Faulty: a parameter is missing, unknown or of the wrong type.
        """
        principal, payload = principal_of(org_id), self._template(name)
        publish_if_new(principal, payload)
        started = start(
            principal=principal, template=payload["name"], parameters=parameters, metadata=context, hint=False
        )
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
        run = start(principal=principal, template=payload["name"], parameters=parameters)
        return workflow_id(principal.slug, run.hex[-CODE_DIGITS:])

    def _template(self, name: str) -> dict[str, Any]:
        found = self._templates.get(name) or shipped_template(name)
        if found is None:
            raise KeyError(name)
        return found
