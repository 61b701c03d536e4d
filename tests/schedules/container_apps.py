"""Azure Container Apps: the job against the models of Azure's own library, unknown keys included."""

import copy
import re
import typing

import azure.mgmt.appcontainers.models as models
import yaml

from program import equal, printed


def check(_):
    files, expression = printed("container-apps", "--image", "registry.example/lcw:0.1.0")
    (text,) = files.values()
    job = yaml.safe_load(text)
    known(models.Job, job, "job")
    looks_all_the_way_down(job)
    configuration = job["properties"]["configuration"]
    equal(configuration["triggerType"], "Schedule", "the trigger")
    equal(configuration["scheduleTriggerConfig"]["cronExpression"], expression, "when")
    template = job["properties"]["template"]
    (container,) = template["containers"]
    equal(container["args"][-2:], ["--auth", "managed-identity"], "how it signs in")
    equal("secrets" in configuration, False, "a secret")
    mounts = [mount["volumeName"] for mount in container["volumeMounts"]]
    equal(mounts, [volume["name"] for volume in template["volumes"]], "mounted volumes")


def known(model, value, where):
    """Every key of an object is a property of the model, all the way down."""
    model()  # A model knows its fields once it was made.
    fields = {field._rest_name: attribute for attribute, field in model._attr_to_rest_field.items()}
    for key, inner in value.items():
        if key not in fields:
            raise AssertionError(f"{where}: {model.__name__} has no {key}; it has {sorted(fields)}")
        name = re.search(r"_models\.(\w+)", str(annotation(model, fields[key])))
        if name is None:
            continue
        inner_model = getattr(models, name[1])
        if not any(base.__name__ == "Model" for base in inner_model.__mro__):
            continue  # An enumeration.
        entries = inner if isinstance(inner, list) else [inner]
        if "dict" in str(annotation(model, fields[key])).lower():
            entries = [entry for entry in inner.values() if entry]
        for entry in entries:
            known(inner_model, entry, f"{where}.{key}")


def looks_all_the_way_down(job):
    """A key that is wrong is found wherever it is: otherwise this check would say nothing."""
    for path in (["properties"], ["properties", "configuration"], ["properties", "template", "containers", 0, "volumeMounts", 0]):
        wrong = copy.deepcopy(job)
        inner = wrong
        for step in path:
            inner = inner[step]
        inner["noSuchKey"] = 1
        try:
            known(models.Job, wrong, "job")
        except AssertionError as error:
            equal("noSuchKey" in str(error), True, str(error))
        else:
            raise AssertionError(f"a wrong key in {path} was not found")


def annotation(model, attribute):
    for base in model.__mro__:
        if attribute in typing.cast(dict, base.__dict__.get("__annotations__", {})):
            return base.__annotations__[attribute]
    raise AssertionError(f"{model.__name__}.{attribute} has no type")
