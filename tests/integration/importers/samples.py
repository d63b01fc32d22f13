"""Small exports by hand, after the products' documented formats."""

import json
from zipfile import ZipFile


def mem0(directory):
    path = directory / "mem0.json"
    path.write_text(json.dumps({
        "results": [
            {
                "id": "4f1a", "memory": "Likes window seats", "user_id": "alice", "run_id": "trip-1", "hash": "h",
                "metadata": {"channel": "chat"}, "categories": ["travel"], "created_at": "2026-03-01T10:00:00-08:00",
                "updated_at": None,
            },
            {"id": "4f1b", "memory": "Is vegetarian", "user_id": "alice", "metadata": None},
            {"id": "4f1c", "memory": ""},
        ],
        "relations": [{"source": "alice", "relationship": "likes", "target": "window_seats"}],
    }))  # fmt: skip
    return path


def chatgpt(directory):
    def node(name, role, parts, parent, kind="text"):
        message = {
            "id": f"msg-{name}", "author": {"role": role, "name": None, "metadata": {}}, "create_time": 1772352000.5,
            "content": {"content_type": kind, "parts": parts}, "status": "finished_successfully", "metadata": {},
        }  # fmt: skip
        return {"id": name, "message": message, "parent": parent, "children": []}

    conversation = {
        "title": "Boots in the rain", "create_time": 1772352000.0, "update_time": 1772352009.0,
        "conversation_id": "conv-1", "id": "conv-1", "current_node": "d",
        "mapping": {
            "root": {"id": "root", "message": None, "parent": None, "children": ["a"]},
            "a": node("a", "system", [""], "root"),
            "b": node("b", "user", ["Does rain sell boots?", {"content_type": "image_asset_pointer"}], "a", "multimodal_text"),
            "c": node("c", "assistant", ["No."], "b"),
            "d": node("d", "assistant", ["Yes, within two days."], "b"),
        },
    }  # fmt: skip
    path = directory / "chatgpt.zip"
    with ZipFile(path, "w") as archive:
        archive.writestr("conversations.json", json.dumps([conversation]))
        archive.writestr("user.json", json.dumps({"id": "user-1"}))
    return path


def claude(directory):
    path = directory / "claude"
    path.mkdir()
    (path / "conversations.json").write_text(json.dumps([{
        "uuid": "c-1", "name": "Budget", "created_at": "2026-03-01T10:00:00Z", "account": {"uuid": "a-1"},
        "chat_messages": [
            {
                "uuid": "m-1", "text": "What is the budget?", "sender": "human", "created_at": "2026-03-01T10:00:00Z",
                "content": [{"type": "text", "text": "What is the budget?"}], "files": [{"file_name": "logo.png"}],
                "attachments": [{"file_name": "plan.txt", "extracted_content": "The budget is 7 million."}],
            },
            {
                "uuid": "m-2", "text": "", "sender": "assistant", "created_at": "2026-03-01T10:00:09Z",
                "content": [{"type": "thinking", "thinking": "…"}, {"type": "text", "text": "Seven million."}],
                "files": [], "attachments": [],
            },
        ],
    }]))  # fmt: skip
    (path / "projects.json").write_text(json.dumps([{
        "uuid": "p-1", "name": "Plans", "prompt_template": "Be brief.",
        "docs": [{"uuid": "d-1", "filename": "a.md", "content": "Plan A", "created_at": "2026-03-01T10:00:00Z"}],
    }]))  # fmt: skip
    (path / "memories.json").write_text(
        json.dumps([{"conversations_memory": "Works in media.", "account_uuid": "a-1"}])
    )
    (path / "users.json").write_text(json.dumps([{"uuid": "a-1"}]))
    return path


def zep(directory):
    path = directory / "zep.json"
    path.write_text(json.dumps({
        "nodes": [
            {"uuid": "n-1", "name": "Ada", "summary": "An engineer", "labels": ["Person"], "attributes": {}},
            {"uuid": "n-2", "name": "Acme", "summary": "", "labels": ["Company"]},
        ],
        "edges": [{
            "uuid": "e-1", "fact": "Ada worked at Acme", "name": "WORKED_AT", "source_node_uuid": "n-1",
            "target_node_uuid": "n-2", "valid_at": "2020-01-01T00:00:00Z", "invalid_at": "2024-01-01T00:00:00Z",
            "created_at": "2026-03-01T10:00:00Z",
        }],
        "episodes": [{"uuid": "p-1", "content": "Ada: I left Acme", "source": "message", "role": "Ada"}],
        "sessions": [{"session_id": "s-1", "messages": [
            {"uuid": "m-1", "role": "Ada", "role_type": "user", "content": "Hello", "created_at": "2026-03-01T10:00:00Z"},
        ]}],
        "communities": [{"uuid": "x"}],
    }))  # fmt: skip
    return path


def letta(directory):
    path = directory / "agent.af"
    path.write_text(json.dumps({
        "agents": [{
            "id": "agent-0", "name": "clerk", "block_ids": ["block-0"],
            "messages": [
                {"id": "message-0", "role": "system", "content": [{"type": "text", "text": "You are"}]},
                {"id": "message-1", "role": "user", "content": [{"type": "text", "text": "I am Ada"}],
                 "created_at": "2026-03-01T10:00:00+00:00"},
                {"id": "message-2", "role": "assistant", "content": [{"type": "text", "text": "Welcome, Ada"}]},
            ],
        }],
        "blocks": [
            {"id": "block-0", "label": "human", "value": "Name: Ada", "limit": 5000},
            {"id": "block-1", "label": "persona", "value": ""},
        ],
        "tools": [{"id": "tool-0", "name": "send_message"}], "files": [], "sources": [], "groups": [],
        "created_at": "2026-03-02T09:00:00+00:00",
    }))  # fmt: skip
    return path


def mcp_memory(directory):
    path = directory / "memory.jsonl"
    lines = [
        {"type": "entity", "name": "Ada", "entityType": "person", "observations": ["likes tea", "runs"]},
        {"type": "entity", "name": "Acme", "entityType": "company", "observations": []},
        {"type": "relation", "from": "Ada", "to": "Acme", "relationType": "works at"},
    ]
    path.write_text("\n".join([*map(json.dumps, lines), "not JSON", ""]))
    return path


def obsidian(directory):
    path = directory / "vault"
    (path / ".obsidian").mkdir(parents=True)
    (path / "People").mkdir()
    (path / ".obsidian" / "app.json").write_text("{}")
    (path / "Boots.md").write_text(
        "---\ntags: [weather, retail]\nrating: 4.5\ndone: true\naliases:\n  - Shoes\n---\n"
        "Rain sells boots, says [[ada|Ada]] in [[Missing note#Part]]. #sales/shoes\n\n```\n#no-tag [[no link]]\n```\n"
    )
    (path / "People" / "Ada.md").write_text("Knows [[Boots]].")
    (path / "empty.md").write_text("---\na: 1\n---\n")
    (path / "chart.png").write_bytes(b"\x89PNG")
    return path


def jsonl(directory):
    path = directory / "lines.jsonl"
    lines = [
        {"id": 7, "text": "From another store", "score": 3, "metadata": {"lang": "en"}, "tags": ["t"]},
        {"content": "Without an id"},
        {"content": "Of its own source", "source": "crm", "external_id": "x"},
        {"no": "text"},
    ]
    path.write_text("\n".join(map(json.dumps, lines)) + "\nnot JSON\n")
    return path
