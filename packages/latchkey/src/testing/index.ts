export { memoryStore } from '../stores/memory/index.js'
export { createFakeClock, type FakeClock } from './fake-clock.js'
export { createTestLatchkey, type TestLatchkey } from './test-latchkey.js'
