"""Validates the manifest of scripts/cluster against the stored schema of a version of Kubernetes, and answers with the script of its pods."""
import json

import jsonschema
import yaml


def check(manifest, schema):
    with open(manifest, encoding="utf8") as file:
        job = yaml.safe_load(file)
    with open(schema, encoding="utf8") as file:
        validator = jsonschema.Draft202012Validator(json.load(file))
    validator.validate(job)
    # The schema refuses what is no part of a Job: without that it would say nothing.
    wrong = json.loads(json.dumps(job))
    wrong["spec"]["completionsMode"] = wrong["spec"].pop("completionMode")
    assert not validator.is_valid(wrong), "the schema takes a field that there is not"
    spec = job["spec"]
    assert spec["completionMode"] == "Indexed" and spec["template"]["spec"]["restartPolicy"] == "Never"
    [container] = spec["template"]["spec"]["containers"]
    values = {entry["name"]: entry.get("value") for entry in container["env"]}
    assert values["SHARDS"] == str(spec["completions"]), "as many shards as pods"
    shell, options, script = container["command"]
    assert (shell, options) == ("sh", "-ec")
    return script
