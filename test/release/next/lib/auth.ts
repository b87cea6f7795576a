import { createLatchkey, Keyring, tenantSecrets } from 'latchkey'
import { memoryStore } from 'latchkey/memory'
import { serverAuth } from 'latchkey/next'
import { headers } from 'next/headers'
import { redirect } from 'next/navigation'

function open() {
  const keys = tenantSecrets({ store: memoryStore(), masterKeys: Keyring.generate('test') })
  return { keys, latchkey: createLatchkey({ issuer: 'https://app.example.com', audience: 'app', keys }) }
}

// The proxy and the routes are bundles of their own, in one process.
const shared = globalThis as unknown as { opened?: ReturnType<typeof open> }
shared.opened ??= open()
export const { keys, latchkey } = shared.opened

export const auth = serverAuth(latchkey, headers, {
  cookie: 'token',
  onRefusal: ({ status }) => status === 401 && redirect('/sign-in'),
})
