// The subpaths without a peer, and that of Express: this project has no other framework.
export { requireRole } from 'latchkey/express'
export { authenticate } from 'latchkey/fetch'
export { signCompact } from 'latchkey/jws'
export { memoryStore } from 'latchkey/memory'
export { sendProblem } from 'latchkey/node'
export { isUniqueViolation } from 'latchkey/sql'
export { storeContract } from 'latchkey/store-contract'
export { createTestLatchkey } from 'latchkey/testing'
