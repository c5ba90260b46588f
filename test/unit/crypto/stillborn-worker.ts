/** A worker that cannot even start, as when a native module is missing. */
throw new Error('stillborn on purpose');
