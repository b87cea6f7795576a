import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AuthClient } from '../../../test/support/auth-client.js'
import { type ExampleProcess, startExample } from '../../../test/support/example-process.js'
import {
  createDeployment,
  type Deployment,
  type ServerProcess,
  startServer,
} from '../../../test/support/server-process.js'

describe('the auth-service example', () => {
  let deployment: Deployment
  let auth: ServerProcess
  let reports: ExampleProcess
  let client: AuthClient

  beforeAll(async () => {
    deployment = await createDeployment('sqlite')
    auth = await startServer(deployment)
    client = new AuthClient(auth.url)
    reports = await startExample('auth-service/reports.js', { AUTH_SERVICE: auth.url, ISSUER: 'https://auth.test' })
  })

  afterAll(async () => {
    await reports?.stop()
    await auth?.stop()
    await deployment?.dispose()
  })

  async function readReports(token: string) {
    const response = await fetch(`${reports.url}/reports`, { headers: { authorization: `Bearer ${token}` } })
    return { status: response.status, body: (await response.json()) as { code?: string; reports?: string[] } }
  }

  async function exchange(subjectToken: string) {
    const response = await fetch(`${auth.url}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: subjectToken,
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      }),
    })
    return { status: response.status, body: (await response.json()) as { access_token: string; code?: string } }
  }

  it('signs in one service and verifies in another, which holds no signing key', async () => {
    const ada = await client.register('ada@example.com')
    const { status, body } = await exchange(ada.accessToken)
    expect(status).toBe(200)
    expect(await readReports(body.access_token)).toEqual({
      status: 200,
      body: { reports: [`A report for ${ada.accountId}`] },
    })
  })

  it('refuses the tokens of one service in the other', async () => {
    const ada = await client.login('ada@example.com')
    expect(await readReports(ada.accessToken)).toMatchObject({ status: 401 })
    const { body } = await exchange(ada.accessToken)
    expect(await client.whoIs(body.access_token)).toBe('algorithm_refused')
  })

  it('issues no more tokens for the other service once the user is signed out', async () => {
    const ada = await client.login('ada@example.com')
    expect((await client.call('POST', '/v1/logout', { token: ada.accessToken })).status).toBe(204)
    expect(await exchange(ada.accessToken)).toMatchObject({ status: 400 })
  })

  it('still verifies while the auth service is down', async () => {
    const ada = await client.login('ada@example.com')
    const { body } = await exchange(ada.accessToken)
    expect(await readReports(body.access_token)).toMatchObject({ status: 200 })
    await auth.stop()
    expect(await readReports(body.access_token)).toMatchObject({ status: 200 })
    auth = await startServer(deployment)
  })
})
