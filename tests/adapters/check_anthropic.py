"""`LiftosMemoryTool` against the SDK's own tool for local files."""

import asyncio
import re
import threading
from uuid import uuid4

import pytest
from anthropic.lib.tools import ToolError
from anthropic.tools.memory import BetaLocalFilesystemMemoryTool
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from liftos_client.anthropic import LiftosAsyncMemoryTool, LiftosMemoryTool

# a file of each directory stays: without files, a directory of ours does not exist
KEPT = ["/memories/d/kept.md", "/memories/d/e/kept.md"]
PATHS = st.sampled_from(
    ["/memories/a.md", "/memories/d/b.md", "/memories/d/e/c.md", "/memories/d/../a.md", "/memories/none/x"]
)
DIRECTORIES = st.sampled_from(["/memories", "/memories/d", "/memories/d/e", "/memories/"])
OUTSIDE = st.sampled_from(["/etc/passwd", "/memories/../etc", "memories/a", "/memories/d/../../x"])
ANYWHERE = PATHS | DIRECTORIES | OUTSIDE | st.just(KEPT[0])
TEXTS = st.sampled_from(["", "one", "one\ntwo\n", "one\none", "\n", "Olá\r\nzwei\n\n", "x" * 3000])
COMMANDS = st.one_of(
    st.fixed_dictionaries({"command": st.just("view"), "path": ANYWHERE}),
    st.fixed_dictionaries({
        "command": st.just("view"), "path": PATHS, "view_range": st.sampled_from([[1, 1], [2, -1], [0, 9], [3, 2]]),
    }),
    st.fixed_dictionaries({"command": st.just("create"), "path": PATHS | OUTSIDE | st.just("/memories/d"), "file_text": TEXTS}),
    st.fixed_dictionaries({
        "command": st.just("str_replace"), "path": ANYWHERE, "old_str": st.sampled_from(["one", "two", "l"]), "new_str": TEXTS,
    }),
    st.fixed_dictionaries({
        "command": st.just("insert"), "path": ANYWHERE, "insert_line": st.integers(-1, 3), "insert_text": TEXTS,
    }),
    st.fixed_dictionaries({"command": st.just("delete"), "path": PATHS | OUTSIDE | st.just("/memories")}),
    st.fixed_dictionaries({"command": st.just("rename"), "old_path": PATHS | OUTSIDE | st.just("/memories"), "new_path": PATHS}),
)  # fmt: skip
# a directory's size is that of its files with us, and of its entry in the file system there
SIZE = re.compile(r"^[\d.]+[BKMG]\t(?=(?:/memories|/memories/d|/memories/d/e)?/?$|.*/$)", re.MULTILINE)


def outcome(tool, command):
    try:
        answer = tool.call(command)
    except ToolError as error:
        return "error", str(error)
    except OSError as error:
        return "error", type(error).__name__
    return "done", SIZE.sub("", answer) if command["command"] == "view" and answer.startswith(
        "Here're"
    ) else answer


@settings(
    max_examples=20,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)
@given(commands=st.lists(COMMANDS, min_size=3, max_size=12))
def test_random_commands_give_the_same_as_local_files(liftos, tmp_path_factory, commands):
    own = LiftosMemoryTool(liftos, source=f"test{uuid4().hex}")
    theirs = BetaLocalFilesystemMemoryTool(str(tmp_path_factory.mktemp("files")))
    for path in KEPT:
        for tool in (own, theirs):
            tool.call({"command": "create", "path": path, "file_text": "one\ntwo"})
    for command in commands:
        if "none" in command.get("path", "") + command.get("new_path", "") and command["command"] in (
            "create",
            "rename",
        ):
            continue  # the directory would stay there when its last file goes
        assert outcome(own, command) == outcome(theirs, command), command


@pytest.fixture
def tool(liftos):
    return LiftosMemoryTool(liftos, source=f"test{uuid4().hex}")


def call(tool, command, **fields):
    return tool.call({"command": command, **fields})


def test_directories_are_shown_renamed_and_deleted(tool, liftos):
    for path in ("a/b/c/deep.md", "a/one.md", ".hidden", "a/.too", "z.md"):
        call(tool, "create", path=f"/memories/{path}", file_text="x" * 1536)
    assert call(tool, "view", path="/memories").split("\n")[1:] == [
        "7.5K\t/memories", "3K\t/memories/a/", "1.5K\t/memories/a/b/", "1.5K\t/memories/a/one.md", "1.5K\t/memories/z.md",
    ]  # fmt: skip
    assert (
        call(tool, "rename", old_path="/memories/a", new_path="/memories/n")
        == "Successfully renamed /memories/a to /memories/n"
    )
    assert "1.5K\t/memories/n/c/" in call(tool, "view", path="/memories/n/b").replace("/b/", "/")
    with pytest.raises(ToolError, match="does not exist"):
        call(tool, "view", path="/memories/a")
    with pytest.raises(ToolError, match="within"):
        call(tool, "rename", old_path="/memories/n", new_path="/memories/n/x")
    with pytest.raises(ToolError, match="not a directory"):
        call(tool, "create", path="/memories/z.md/x", file_text="x")
    with pytest.raises(ToolError, match="already exists"):
        call(tool, "rename", old_path="/memories/z.md", new_path="/memories/n")
    assert call(tool, "delete", path="/memories/n") == "Successfully deleted /memories/n"
    assert sorted(each.external_id for each in liftos.list(source=tool._files.source)) == [
        "/memories/.hidden",
        "/memories/z.md",
    ]
    assert tool.clear_all_memory() == "All memory cleared"
    assert call(tool, "view", path="/memories").endswith("0B\t/memories")


@pytest.mark.parametrize(
    "path",
    [
        "/memories/../x",
        "/memories/a/../../x",
        "/memoriesx",
        "/",
        "",
        "../memories/a",
        "/memories/\x00",
        "/memories/" + "x" * 300,
    ],
)
def test_other_paths_are_refused(tool, path):
    for command in ("view", "create", "delete", "str_replace", "insert"):
        fields = {"file_text": "x", "old_str": "x", "new_str": "y", "insert_line": 0, "insert_text": "x"}
        with pytest.raises(ToolError, match=r"must start|escape|at most"):
            call(tool, command, path=path, **fields)
    for old, new in ((path, "/memories/b"), ("/memories/b", path)):
        with pytest.raises(ToolError, match=r"must start|escape|at most"):
            call(tool, "rename", old_path=old, new_path=new)


def test_edits_at_the_same_time_are_all_kept(tool):
    call(tool, "create", path="/memories/a", file_text="")
    threads = [
        threading.Thread(
            target=call,
            args=(tool, "insert"),
            kwargs={"path": "/memories/a", "insert_line": 0, "insert_text": str(n)},
        )
        for n in range(3)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert {
        line[-1] for line in call(tool, "view", path="/memories/a").split("\n")[1:] if line[-1].isdigit()
    } == {"0", "1", "2"}


def test_files_are_recalled_and_have_versions(tool, liftos):
    call(tool, "create", path="/memories/trip.md", file_text="The flight to Porto leaves at nine")
    call(tool, "str_replace", path="/memories/trip.md", old_str="nine", new_str="ten")
    [hit, *_] = liftos.recall("when does the plane leave", source=tool._files.source)
    assert (hit.content, hit.version) == ("The flight to Porto leaves at ten", 2)


def test_the_asynchronous_tool(liftos):
    tool = LiftosAsyncMemoryTool(liftos, source=f"test{uuid4().hex}")

    async def work():
        made = await tool.call({"command": "create", "path": "/memories/a", "file_text": "one"})
        edited = await tool.call(
            {"command": "insert", "path": "/memories/a", "insert_line": 1, "insert_text": "two"}
        )
        await tool.call({"command": "rename", "old_path": "/memories/a", "new_path": "/memories/b"})
        replaced = await tool.call(
            {"command": "str_replace", "path": "/memories/b", "old_str": "two", "new_str": "three"}
        )
        shown = await tool.call({"command": "view", "path": "/memories/b"})
        gone = await tool.call({"command": "delete", "path": "/memories/b"})
        return made, edited, replaced, shown, gone, await tool.clear_all_memory()

    made, edited, replaced, shown, gone, cleared = asyncio.run(work())
    assert made == "File created successfully at: /memories/a"
    assert edited == "The file /memories/a has been edited."
    assert shown.endswith("     1\tone\n     2\tthree\n     3\t")
    assert (gone, cleared) == ("Successfully deleted /memories/b", "All memory cleared")
    assert replaced.startswith("The memory file has been edited.")


def test_the_adapter_adds_less_than_a_millisecond(tool, added):
    call(tool, "create", path="/memories/a", file_text="one")
    assert added(lambda: call(tool, "view", path="/memories/a")) < 0.001
    assert added(lambda: call(tool, "insert", path="/memories/a", insert_line=0, insert_text="x")) < 0.001
