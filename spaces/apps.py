from django.apps import AppConfig


class SpacesConfig(AppConfig):
    name = "spaces"
    verbose_name = "Conceptual spaces"

    def ready(self) -> None:
        from liftos.kernel.reserved_operations import reserve_operations
        from memory.ports import register_follower, register_set_eraser
        from memory.search.arms.interface import register_arm
        from memory.search.scopes import fill_scope
        from memory.spaces_port import fill_spaces
        from spaces import checks  # noqa: F401  registers them
        from spaces.erasing import erase_positions, erase_words
        from spaces.placement.memory_changes import follow_memories
        from spaces.port import MemorysView
        from spaces.query.arm import ConceptualArm, SpaceScope

        reserve_operations("space")
        register_arm(ConceptualArm(), only_in_spaces=True)
        fill_scope(SpaceScope())
        register_follower("spaces", follow_memories)
        register_set_eraser("positions", erase_positions)
        register_set_eraser("words_in_spaces", erase_words)
        fill_spaces(MemorysView())
