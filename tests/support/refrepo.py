# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""Model folders made from the models in refmodels, with the contents that mxfs must show for each file."""

import json
from dataclasses import dataclass, field

import refmodels as models
import reftensor as rt

FORMAT = {"format": "pt"}


def names(count, stem="model"):
    """The names that transformers gives to `count` shards."""
    return [f"{stem}-{i + 1:05}-of-{count:05}.safetensors" for i in range(count)]


@dataclass
class Sharded:
    """A model cut into shards: file -> names of the stored tensors in it."""

    model: models.Model
    files: dict = field(default_factory=dict)
    stem: str = "model"

    @property
    def index_name(self):
        """The file name of the index."""
        return f"{self.stem}.safetensors.index.json"

    def shard_of(self, name):
        """The file that a stored tensor is in."""
        (file,) = [f for f, held in self.files.items() if name in held]
        return file

    def source(self, file):
        """name -> Tensor as stored in a shard."""
        return {name: self.model.source[name] for name in self.files[file]}

    def outputs(self, dtype="BF16"):
        """name -> (file, Tensor): an output is in the shard of its main part."""
        out = {}
        for name, t in self.model.expected(dtype).items():
            main = self.model.parts[name][0] if name in self.model.parts else name
            out[name] = self.shard_of(main), t
        return out

    def expected(self, file, dtype="BF16"):
        """The bytes of the shard that the mount shows."""
        held = {name: t for name, (at, t) in self.outputs(dtype).items() if at == file}
        return rt.serialize(held, FORMAT)

    def weight_map(self):
        """The index's map, sorted by name as transformers writes it."""
        return {name: self.shard_of(name) for name in sorted(self.model.source)}

    def index(self):
        """The index as an object."""
        return {"metadata": {"total_size": sum(len(t.data) for t in self.model.source.values())}, "weight_map": self.weight_map()}

    def expected_index(self, dtype="BF16"):
        """The index that the mount shows: each output is in the shard of its main part."""
        outputs = self.outputs(dtype)
        led = {parts[0]: name for name, parts in self.model.parts.items()}
        gone = self.model.dropped.union(*self.model.parts.values()) - set(led)
        weight_map = {led.get(name, name): file for name, file in self.weight_map().items() if name not in gone}
        return {"metadata": {"total_size": sum(len(t.data) for _, t in outputs.values())}, "weight_map": weight_map}

    def write(self, folder, skip=(), index=None):
        """Writes the shards except `skip`, index and config.json."""
        folder.mkdir(parents=True, exist_ok=True)
        for file in self.files:
            if file not in skip:
                rt.save(folder / file, self.source(file), FORMAT)
        (folder / self.index_name).write_text(index or dump(self.index()))
        if self.model.config is not None:
            (folder / "config.json").write_text(dump(self.model.config))
        return folder


def dump(value):
    """JSON as transformers writes it."""
    return json.dumps(value, indent=2) + "\n"


def spread(model, count, stem="model"):
    """Cuts a model so that the neighbouring parts of a group go to different shards."""
    files = {file: [] for file in names(count, stem)}
    for i, name in enumerate(model.source):
        files[names(count, stem)[i % count]].append(name)
    return Sharded(model, files, stem)


def placed(model, count, place, stem="model"):
    """Cuts a model by a function of the tensor's name."""
    files = {file: [] for file in names(count, stem)}
    for name in model.source:
        files[names(count, stem)[place(name)]].append(name)
    return Sharded(model, files, stem)


def tree_of(path):
    """{relative path: bytes} of all regular files below a folder."""
    return {str(p.relative_to(path)): p.read_bytes() for p in sorted(path.rglob("*")) if p.is_file()}
