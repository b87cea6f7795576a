import { PastClock } from '../../src/demo/past-clock.js'
import { seedDemo } from '../../src/demo/seed-demo.js'
import { openService } from '../../src/service.js'
import { password } from './people.js'
import type { TestServer } from './start-server.js'

/** Adds the users of `latchkey demo` to a server, so that its pages show data. */
export async function addDemoData({ configuration }: TestServer, users = 80): Promise<void> {
  const nowMs = Date.now()
  const clock = new PastClock(nowMs - 200 * 86_400_000)
  const service = await openService(configuration, { clock })
  try {
    const access = { adminEmail: 'admin@example.com', adminPassword: password, userPassword: password }
    await seedDemo(service, clock, { ...access, users, nowMs })
  } finally {
    await service.close()
  }
}
