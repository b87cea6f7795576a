import { describe, expect, it } from 'vitest'
import { type ExampleProcess, startExample } from '../../../test/support/example-process.js'

const user = { email: 'ada@example.com', password: 'correct horse battery staple' }

async function login({ url }: ExampleProcess, credentials: object = user) {
  const response = await fetch(`${url}/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(credentials),
  })
  return { status: response.status, body: (await response.json()) as { access_token: string; code?: string } }
}

async function me({ url }: ExampleProcess, token?: string) {
  const response = await fetch(
    `${url}/me`,
    token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } },
  )
  return { status: response.status, body: await response.json() }
}

describe('the simple-secret example', () => {
  it('refuses a request without a token and a login with a wrong password', async () => {
    const example = await startExample('simple-secret/server.js')
    try {
      expect(await me(example)).toMatchObject({ status: 401, body: { code: 'credentials_missing' } })
      expect(await login(example, { ...user, password: 'wrong' })).toMatchObject({ status: 401 })
      expect(await login(example, {})).toMatchObject({ status: 401 })
      const { body } = await login(example)
      expect(await me(example, body.access_token)).toEqual({ status: 200, body: { id: 'user-1' } })
    } finally {
      await example.stop()
    }
  })

  it('rotates its secret without logging users out', async () => {
    const [oldSecret, newSecret] = ['o'.repeat(32), 'n'.repeat(32)]
    const before = await startExample('simple-secret/server.js', { JWT_SECRET: oldSecret })
    const { body } = await login(before)
    await before.stop()
    const rotated = await startExample('simple-secret/server.js', {
      JWT_SECRET: newSecret,
      JWT_PREVIOUS_SECRET: oldSecret,
    })
    expect(await me(rotated, body.access_token)).toMatchObject({ status: 200 })
    await rotated.stop()
    const after = await startExample('simple-secret/server.js', { JWT_SECRET: newSecret })
    expect(await me(after, body.access_token)).toMatchObject({ status: 401, body: { code: 'kid_unknown' } })
    await after.stop()
  })
})
