"""Every error a user can meet. Each builds its own message: what happened, to what, what to do.

::

    NbfaasError
    ├── OptionError (ValueError)            an option that makes no sense: memory="lots"
    ├── ConfigurationError                  a setting or an environment variable that makes no sense
    │   ├── DataFolderUnusable              the data folder can't be made or written to
    │   └── ServerConfigError               … or a key of nbfaas.toml
    │       └── UnknownKey
    ├── PackagingError                      the function or its arguments can't be shipped
    │   ├── NotPicklable
    │   ├── PayloadTooLarge
    │   ├── PythonMismatch                  the image has another Python minor version
    │   ├── MissingPackage                  the image lacks a package that the function needs
    │   └── LoadFailed                      the function's code raised while it was loaded
    ├── ImageError
    │   ├── ImageNotFound
    │   ├── ImageBuildFailed
    │   └── VolumeError                     a volume that can't be mounted as asked
    ├── BackendError
    │   ├── BackendUnavailable              no Docker daemon answers
    │   ├── InsufficientResources           a function asks for more than this machine has
    │   └── SandboxStartFailed
    ├── InvocationError                     what a call can end with, besides its own error
    │   ├── RemoteError                     the function raised a type that is unknown here
    │   ├── FunctionTimeout (TimeoutError)
    │   ├── FunctionExited                  the function called sys.exit
    │   ├── BindingError                    an event lacks what the function's signature names
    │   ├── ResultNotPicklable
    │   ├── ResultTooLarge
    │   ├── UntrustedResult                 the result holds a type this host does not unpickle
    │   ├── ResultUnreadable                the result's bytes make no value here
    │   └── SandboxLost                     the sandbox was killed, froze or broke the protocol
    │       ├── OutOfMemory (MemoryError)
    │       └── SandboxCrashed              a segfault, os._exit, abort
    ├── MagicError                          %faas or %%faas was written in a way that makes no sense
    │   ├── CellError                       the cell can't be run in a sandbox as it is
    │   └── NamesNotPulled                  --pull asked for names that did not come back
    ├── UnknownInvocation (KeyError)        no invocation has this id
    ├── NotDone (TimeoutError)              a call has not ended in the time given to result()
    ├── NotRepeatable                       a call of an earlier session: its arguments are not kept
    ├── ResultNotKept                       the result was not kept in the journal
    ├── WouldWaitForItself                  a callback of a call waits for another call, or emits
    ├── ServiceClosed                       it belongs to what %faas stop --all has ended
    ├── BadPattern (ValueError)             an event pattern makes no sense, and where
    ├── BadTransformer (ValueError)         an input transformer makes no sense, and where
    ├── TriggerError
    │   ├── BadTrigger (ValueError)         an option of a trigger makes no sense
    │   │   └── RouteTaken                  another trigger has its method and path
    │   ├── UnknownTrigger (KeyError)       no trigger has this name
    │   ├── QueueClientMissing (ImportError)  pip install 'nbfaas[redis]', 'nbfaas[nats]'
    │   ├── QueueUnavailable                the queue's server does not answer, or refuses
    │   └── PathUnreadable (OSError)        a watched folder can't be read
    ├── DeliveryError                       an event can't be accepted or delivered
    │   ├── EventConflict                   another event had its source and id
    │   ├── EventTooLarge                   what a source brought is larger than is kept
    │   ├── IntakeFull                      too many events wait
    │   ├── ChainTooLong                    destinations led on and on
    │   ├── ResultNotJson                   a result that has to become an event is no JSON
    │   ├── UrlFailed                       the receiver of a URL did not accept an event
    │   ├── UnknownDeadLetter (KeyError)
    │   └── EventStoreError
    │       ├── EventStoreUnavailable       the folder can't be written, the disk is full, …
    │       ├── EventStoreHeld              another process delivers from it
    │       └── EventStoreDamaged
    ├── GatewayError
    │   ├── GatewayUnavailable              it can't listen at its address
    │   ├── NoCapacity                      a request's function was not started in time
    │   ├── DeadlinePassed (TimeoutError)   … or had not ended in time
    │   └── BadHttpResponse                 a function's result makes no HTTP response
    ├── DeployError
    │   ├── RunsInImageOnly                 a deployed function was called without remote
    │   ├── NotDeployable                   the function has what has no meaning elsewhere
    │   ├── BadDeployment (ValueError)      a name, alias or weight makes no sense
    │   ├── NotDeployed (KeyError)          no function was deployed under this name
    │   ├── UnknownVersion (KeyError)       it has no such version or alias
    │   ├── VersionInUse                    an alias leads to what is to be removed
    │   ├── NothingToRollBack               an alias has led nowhere else before
    │   ├── IntegrityError                  what was fetched is not what was pinned
    │   ├── ManifestUnreadable              an image has no manifest of a function
    │   ├── CatalogUnavailable              the list of deployed functions can't be used
    │   ├── NotAllowed                      a pulled version asks for what it may not have here
    │   ├── RegistryUnavailable             a registry does not answer
    │   ├── RegistryRefused                 … or says no
    │   ├── NotInRegistry (KeyError)        … or has no such image
    │   ├── NotAnExport                     a folder holds no exported function
    │   ├── ExportRefused                   an export would overwrite what is not its own
    │   ├── RuntimeDiffers                  an exported function's packages can't be had any more
    │   ├── NothingToTest                   no saved event concerns the function
    │   └── BadExpectation (ValueError)     what is expected of an event makes no sense
    ├── ServerError                         a running `nbfaas serve` can't be asked, or says no
    │   ├── NotServed (KeyError)            it has no such function, version or alias
    │   ├── AliasMissing                    a function is to be served by an alias it does not have
    │   ├── TriggerNotMade                  a trigger of a served function can't be made
    │   ├── ServerUnreachable               nothing answers at its address
    │   ├── ServerRefused                   it has answered with a problem
    │   ├── ServerGone (InvocationError)    the connection of this notebook to it is over
    │   ├── NotConnected                    a server's function, called after the connection
    │   └── NotOnServer                     what can't be done while a notebook works on it
    ├── BadWebhook                          a request was not signed as it has to be
    ├── SimulatorError                      an event can't be made, saved or tried out
    │   ├── UnknownTemplate (KeyError)
    │   ├── BadTemplateParameter (ValueError)
    │   ├── BadBurst (ValueError)
    │   ├── BadEventName (ValueError)
    │   ├── UnknownSavedEvent (KeyError)
    │   ├── SavedEventUnusable
    │   └── UnknownFunction (KeyError)      no function of this session has this name
    ├── SecretMissing                       a secret has no value where it is to be read from
    ├── ReportNotWritten (OSError)          a run's report can't be written where it should be
    ├── JsonLogUnavailable                  the file of config.json_log can't be written
    └── JournalError
        ├── JournalUnavailable              the folder can't be written, the disk is full, …
        ├── JournalLocked                   another process holds the journal
        └── JournalDamaged

``BadEvent`` (ValueError), which sandboxes raise too, stands beside them: something is no
CloudEvent. So do ``StateError``, of which there are ``StateRefused`` (ValueError), ``StateFull``
and ``StateUnavailable``. A cancelled call raises ``concurrent.futures.CancelledError``, as every
Future does.
"""

from __future__ import annotations

import concurrent.futures

from nbfaas.agent.event import BadEvent
from nbfaas.agent.state import StateError, StateFull, StateRefused, StateUnavailable
from nbfaas.errors.asking import (
    NotDone,
    NotRepeatable,
    ResultNotKept,
    ServiceClosed,
    UnknownInvocation,
    WouldWaitForItself,
)
from nbfaas.errors.base import ConfigurationError, NbfaasError, OptionError
from nbfaas.errors.delivery import (
    BadTrigger,
    ChainTooLong,
    DeliveryError,
    EventConflict,
    EventStoreDamaged,
    EventStoreError,
    EventStoreHeld,
    EventStoreUnavailable,
    EventTooLarge,
    IntakeFull,
    ResultNotJson,
    RouteTaken,
    TriggerError,
    UnknownDeadLetter,
    UnknownTrigger,
    UrlFailed,
)
from nbfaas.errors.deploy import (
    BadDeployment,
    CatalogUnavailable,
    DeployError,
    IntegrityError,
    ManifestUnreadable,
    NotAllowed,
    NotDeployable,
    NotDeployed,
    NothingToRollBack,
    NotInRegistry,
    RegistryRefused,
    RegistryUnavailable,
    RunsInImageOnly,
    UnknownVersion,
    VersionInUse,
)
from nbfaas.errors.events import BadPattern, BadTransformer
from nbfaas.errors.gateway import (
    BadHttpResponse,
    DeadlinePassed,
    GatewayError,
    GatewayUnavailable,
    NoCapacity,
)
from nbfaas.errors.invocation import (
    BindingError,
    FunctionExited,
    FunctionTimeout,
    InvocationError,
    OutOfMemory,
    RemoteError,
    ResultNotPicklable,
    ResultTooLarge,
    ResultUnreadable,
    SandboxCrashed,
    SandboxLost,
    UntrustedResult,
)
from nbfaas.errors.journal import JournalDamaged, JournalError, JournalLocked, JournalUnavailable
from nbfaas.errors.logs import JsonLogUnavailable
from nbfaas.errors.notebook import CellError, MagicError, NamesNotPulled
from nbfaas.errors.packaging import (
    LoadFailed,
    MissingPackage,
    NotPicklable,
    PackagingError,
    PayloadTooLarge,
    PythonMismatch,
)
from nbfaas.errors.pipeline import (
    BadExpectation,
    ExportRefused,
    NotAnExport,
    NothingToTest,
    RuntimeDiffers,
)
from nbfaas.errors.places import (
    BackendError,
    BackendUnavailable,
    DataFolderUnusable,
    ImageBuildFailed,
    ImageError,
    ImageNotFound,
    InsufficientResources,
    SandboxStartFailed,
    VolumeError,
)
from nbfaas.errors.queue import QueueClientMissing, QueueUnavailable
from nbfaas.errors.reports import ReportNotWritten
from nbfaas.errors.secrets import SecretMissing
from nbfaas.errors.serve import (
    AliasMissing,
    BadWebhook,
    NotConnected,
    NotOnServer,
    NotServed,
    ServerConfigError,
    ServerError,
    ServerGone,
    ServerRefused,
    ServerUnreachable,
    TriggerNotMade,
    UnknownKey,
)
from nbfaas.errors.simulator import (
    BadBurst,
    BadEventName,
    BadTemplateParameter,
    SavedEventUnusable,
    SimulatorError,
    UnknownFunction,
    UnknownSavedEvent,
    UnknownTemplate,
)
from nbfaas.errors.sources import PathUnreadable

CancelledError = concurrent.futures.CancelledError

__all__ = [
    "AliasMissing",
    "BackendError",
    "BackendUnavailable",
    "BadBurst",
    "BadDeployment",
    "BadEvent",
    "BadEventName",
    "BadExpectation",
    "BadHttpResponse",
    "BadPattern",
    "BadTemplateParameter",
    "BadTransformer",
    "BadTrigger",
    "BadWebhook",
    "BindingError",
    "CancelledError",
    "CatalogUnavailable",
    "CellError",
    "ChainTooLong",
    "ConfigurationError",
    "DataFolderUnusable",
    "DeadlinePassed",
    "DeliveryError",
    "DeployError",
    "EventConflict",
    "EventStoreDamaged",
    "EventStoreError",
    "EventStoreHeld",
    "EventStoreUnavailable",
    "EventTooLarge",
    "ExportRefused",
    "FunctionExited",
    "FunctionTimeout",
    "GatewayError",
    "GatewayUnavailable",
    "ImageBuildFailed",
    "ImageError",
    "ImageNotFound",
    "InsufficientResources",
    "IntakeFull",
    "IntegrityError",
    "InvocationError",
    "JournalDamaged",
    "JournalError",
    "JournalLocked",
    "JournalUnavailable",
    "JsonLogUnavailable",
    "LoadFailed",
    "MagicError",
    "ManifestUnreadable",
    "MissingPackage",
    "NamesNotPulled",
    "NbfaasError",
    "NoCapacity",
    "NotAllowed",
    "NotAnExport",
    "NotConnected",
    "NotDeployable",
    "NotDeployed",
    "NotDone",
    "NotInRegistry",
    "NotOnServer",
    "NotPicklable",
    "NotRepeatable",
    "NotServed",
    "NothingToRollBack",
    "NothingToTest",
    "OptionError",
    "OutOfMemory",
    "PackagingError",
    "PathUnreadable",
    "PayloadTooLarge",
    "PythonMismatch",
    "QueueClientMissing",
    "QueueUnavailable",
    "RegistryRefused",
    "RegistryUnavailable",
    "RemoteError",
    "ReportNotWritten",
    "ResultNotJson",
    "ResultNotKept",
    "ResultNotPicklable",
    "ResultTooLarge",
    "ResultUnreadable",
    "RouteTaken",
    "RunsInImageOnly",
    "RuntimeDiffers",
    "SandboxCrashed",
    "SandboxLost",
    "SandboxStartFailed",
    "SavedEventUnusable",
    "SecretMissing",
    "ServerConfigError",
    "ServerError",
    "ServerGone",
    "ServerRefused",
    "ServerUnreachable",
    "ServiceClosed",
    "SimulatorError",
    "StateError",
    "StateFull",
    "StateRefused",
    "StateUnavailable",
    "TriggerError",
    "TriggerNotMade",
    "UnknownDeadLetter",
    "UnknownFunction",
    "UnknownInvocation",
    "UnknownKey",
    "UnknownSavedEvent",
    "UnknownTemplate",
    "UnknownTrigger",
    "UnknownVersion",
    "UntrustedResult",
    "UrlFailed",
    "VersionInUse",
    "VolumeError",
    "WouldWaitForItself",
]

# In tracebacks they are called what they are imported as.
for _name in __all__:
    if _name not in ("BadEvent", "CancelledError") and not _name.startswith("State"):
        globals()[_name].__module__ = __name__
