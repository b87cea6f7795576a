import { vi } from 'vitest'

// All tests of the file, with the next major version of the client.
vi.mock('ioredis', () => import('ioredis6'))
await import('./redis-rotated-login.test.js')
