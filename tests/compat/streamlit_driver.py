"""Run inside the throw-away environment: `streamlit_driver.py CHECKOUT/liftos-streamlit URL`; prints a line of JSON for each call."""

import json
import sys


def main(place: str, url: str) -> None:
    """Use the client as its pages do, and print the outcome of each call."""
    sys.path.insert(0, place)
    from utils.api_client import APIClient

    client = APIClient()
    client.service_urls["memory"] = url
    word = "lighthouse"

    def check(call, wanted, act):
        try:
            found = act()
            problem = "" if wanted(found) else f"answered {str(found)[:120]}"
        except Exception as error:
            found, problem = None, str(error)[:120]
        sys.stdout.write(json.dumps({"call": call, "problem": problem}) + "\n")
        return found

    check("check_service_health", bool, lambda: client.check_service_health("memory"))
    memory = check(
        "store_in_memory",
        lambda found: found != "unknown",
        lambda: client.store_in_memory({"model_type": word, "spend": 15_000}, ["attribution"]),
    )
    for search_type in ("semantic", "keyword", "hybrid"):
        check(
            f"search_memory {search_type}",
            lambda found: memory in {hit["id"] for hit in found["results"]} and "summary" in found,
            lambda search_type=search_type: client.search_memory(
                word, {"search_type": search_type, "limit": 20, "tags": ["attribution"]}
            ),
        )
    # the client shows invented activities where the service fails, none of which is ours
    check(
        "get_recent_activity", lambda found: word in json.dumps(found), lambda: client.get_recent_activity(5)
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
