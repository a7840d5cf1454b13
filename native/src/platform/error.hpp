// What the core throws. The binding turns each into the class of the same meaning in
// streamcodec/errors.py.
#pragma once

#include <stdexcept>

namespace streamcodec {

// An argument has a value that is not accepted: UsageError.
struct BadArgument : std::invalid_argument {
    using std::invalid_argument::invalid_argument;
};

// The bytes of a stream are damaged: CorruptStreamError.
struct CorruptStream : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// The bytes end before the stream does: TruncatedStreamError.
struct TruncatedStream : CorruptStream {
    using CorruptStream::CorruptStream;
};

}  // namespace streamcodec
