"""Kubernetes: the manifest against its published schemas, unknown keys included."""

import kubernetes_validate
import yaml

from program import equal, printed

VERSIONS = ("1.31", "1.34")


def check(_):
    files, _ = printed("kubernetes", "/etc/lcw/daily.toml", "--image", "registry.example/lcw:0.1.0")
    (text,) = files.values()
    documents = list(yaml.safe_load_all(text))
    equal([document["kind"] for document in documents], ["PersistentVolumeClaim", "CronJob"], "kinds")
    for version in VERSIONS:
        for document in documents:
            kubernetes_validate.validate(document, version, strict=True)
    job = documents[1]["spec"]["jobTemplate"]["spec"]
    rules = {code: rule["action"] for rule in job["podFailurePolicy"]["rules"] for code in rule.get("onExitCodes", {}).get("values", [])}
    equal(rules, {75: "Ignore", 2: "FailJob", 3: "FailJob", 4: "FailJob", 5: "FailJob"}, "what is made of codes")
    pod = job["template"]["spec"]
    # Without this the policy on failures is refused.
    equal(pod["restartPolicy"], "Never", "restartPolicy")
    (container,) = pod["containers"]
    equal(container["args"][:2], ["export", "/etc/lcw/daily.toml"], "arguments")
    equal([list(source) for source in container["envFrom"]], [["secretRef"]], "where secrets come from")
    equal("env" in container, False, "inline variables")
    mounts = {mount["name"] for mount in container["volumeMounts"]}
    equal(mounts, {volume["name"] for volume in pod["volumes"]}, "mounted volumes")
