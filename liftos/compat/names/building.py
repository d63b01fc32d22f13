"""Workflows built task by task for the old platform's orchestrator, and their templates for the engine."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from liftos.compat.names.running import publish_if_new
from liftos.compat.shapes.workflows import TASK_STATUS
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.functions import find_function, function_names
from liftos.kernel.tenancy.types import Principal
from workflows.definition import parse
from workflows.operations import start
from workflows.queries import get_run, list_steps
from workflows.types import RunStatus, StepStatus

_MAX_NAME = 100


@dataclass(slots=True)
class Built:
    """A workflow and its tasks by id, in the order of addition; `run` is its run's id once started."""

    id: str
    name: str
    principal: Principal
    metadata: dict[str, Any]
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    run: UUID | None = None

    def add(
        self, name: str, function: str, arguments: Mapping[str, Any], dependencies: Sequence[str], **more: Any
    ) -> str:
        """Add a task; return its id."""
        self._open()
        if unknown := [each for each in dependencies if each not in self.tasks]:
            raise ValueError(f"unknown task {', '.join(unknown)} in {self.id}")
        task = f"task_{self.id}_{uuid4().hex[:8]}"
        self.tasks[task] = {
            "name": name,
            "function": function,
            "arguments": dict(arguments),
            "depends_on": list(dependencies),
        } | {key: value for key, value in more.items() if value is not None}
        return task

    def start(self, context: Mapping[str, Any]) -> None:
        """Start a run on the engine."""
        self._open()
        payload, parameters = self._payload()
        parse(payload, functions=find_function, names=function_names)
        publish_if_new(self.principal, payload)
        self.run = start(
            principal=self.principal,
            template=payload["name"],
            parameters=parameters,
            metadata=self.metadata | dict(context),
            hint=False,
        )

    def status(self) -> dict[str, Any]:
        """Return the old platform's status for a workflow that has not been started."""
        return {
            "workflow_id": self.id,
            "name": self.name,
            "status": str(RunStatus.PENDING),
            "total_execution_time_ms": None,
            "tasks": {
                task: {
                    "name": given["name"],
                    "status": TASK_STATUS[StepStatus.WAITING],
                    "execution_time_ms": None,
                    "retry_count": 0,
                    "error": None,
                }
                for task, given in self.tasks.items()
            },
            "metadata": self.metadata,
        }

    def named(self, status: Mapping[str, Any]) -> dict[str, Any]:
        """Return a run's status with this workflow's ids and task names."""
        by_step = {task["name"]: task for task in status["tasks"].values()}
        tasks = {
            task: by_step[step] | {"name": self.tasks[task]["name"]} for task, step in self._steps().items()
        }
        return dict(status) | {"workflow_id": self.id, "name": self.name, "tasks": tasks}

    def answer(self, status: RunStatus, took_ms: float) -> dict[str, Any]:
        """Return the result of the old platform's `execute_workflow`."""
        assert self.run is not None  # noqa: S101  it was started
        with tenant_transaction(self.principal.organisation):
            run = get_run(organisation=self.principal.organisation, run=self.run)
            steps = {step.name: step for step in list_steps(run=run)}
        ended = {
            task: steps[step] for task, step in self._steps().items() if steps[step].status == StepStatus.DONE
        }
        return {
            "workflow_id": self.id,
            "status": str(status),
            "execution_time_ms": took_ms,
            "task_results": {task: step.result for task, step in ended.items()},
            "tasks_executed": len(ended),
            "run_id": str(self.run),
        }

    def _open(self) -> None:
        if self.run is not None:
            raise ValueError(f"{self.id} has already been executed")

    def _steps(self) -> dict[str, str]:
        """Return each task's step name; task names may repeat, step names may not."""
        return {task: f"task_{number}" for number, task in enumerate(self.tasks)}

    def _payload(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the template and its parameters; values are parameters because the template's text is parsed for references."""
        steps = self._steps()
        values: dict[str, Any] = {}
        written = []
        for task, given in self.tasks.items():
            names = {name: f"{steps[task]}_{place}" for place, name in enumerate(given["arguments"])}
            values |= {names[name]: value for name, value in given["arguments"].items()}
            written.append(
                given
                | {
                    "name": steps[task],
                    "arguments": {name: f"{{{parameter}}}" for name, parameter in names.items()},
                    "depends_on": [steps[each] for each in given["depends_on"]],
                }
            )
        properties: dict[str, Any] = {name: {} for name in values}
        schema = {"type": "object", "properties": properties, "required": sorted(values)}
        payload = {"name": "", "parameters": schema, "steps": written}
        # the digest gives each shape its own name, so that no other template of the organisation is replaced
        digest = hashlib.sha256(
            json.dumps([self.name, payload], sort_keys=True, default=str).encode()
        ).hexdigest()
        payload["name"] = f"{self.name[:_MAX_NAME]} ({digest[:12]})"
        return payload, values
