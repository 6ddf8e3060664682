"""What numbers of the parameters may be, as types that pydantic checks, and the frozen model they lie in."""

from typing import Annotated, Literal, TypeVar

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

Floats = npt.NDArray[np.float64]
Number = TypeVar("Number", float, Floats)
Probability = Annotated[float, Field(gt=0, lt=1, strict=True)]
Rate = Annotated[float, Field(ge=0, le=1, strict=True)]
Ratio = Annotated[float, Field(gt=0, le=1000, strict=True)]
Positive = Annotated[float, Field(gt=0, strict=True)]
Goodness = Annotated[float, Field(ge=-1, le=1, strict=True)]
About = Literal["response", "belief", "nothing"]
TextRole = Literal["none", "comment", "correction", "statement", "content", "answer"]


class Frozen(BaseModel):
    """A part of the parameters: nothing in it changes, nothing unknown is let in, every number is finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
