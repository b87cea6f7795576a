import { createTestLatchkey } from 'latchkey/testing'

// The development mode may load this module once for each route.
globalThis.testLatchkey ??= createTestLatchkey()
export const { latchkey, keys, tokenFor } = globalThis.testLatchkey
