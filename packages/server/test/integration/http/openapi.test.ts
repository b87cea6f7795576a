import { createConfig, lintFromString } from '@redocly/openapi-core'
import { failures } from 'latchkey'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { problems } from '../../../src/routes/problems.js'
import { startServer, type TestServer } from '../../support/start-server.js'

describe('/openapi.json', () => {
  let running: TestServer

  beforeAll(async () => {
    running = await startServer({ database: 'sqlite' })
  })
  afterAll(() => running.stop())

  const operations = () =>
    running.api.contract.operations.map(({ method, path, operation }) => ({ name: `${method} ${path}`, ...operation }))

  it('lists exactly the routes of the server', () => {
    expect(
      operations()
        .map(({ name }) => name)
        .toSorted(),
    ).toMatchInlineSnapshot(`
      [
        "DELETE /v1/admin/clients/{id}",
        "DELETE /v1/admin/invitations/{id}",
        "DELETE /v1/admin/letters/{id}",
        "DELETE /v1/admin/users/{id}",
        "DELETE /v1/admin/users/{id}/factor-reset",
        "DELETE /v1/admin/users/{id}/factors",
        "DELETE /v1/admin/users/{id}/sessions/{session}",
        "DELETE /v1/me",
        "DELETE /v1/me/applications/{id}",
        "DELETE /v1/me/factors/{id}",
        "DELETE /v1/me/sessions/{id}",
        "DELETE /v1/me/trusted-devices",
        "DELETE /v1/me/trusted-devices/{name}",
        "GET /.well-known/jwks.json",
        "GET /.well-known/oauth-authorization-server",
        "GET /livez",
        "GET /readyz",
        "GET /v1/admin/audit",
        "GET /v1/admin/audit/export",
        "GET /v1/admin/clients",
        "GET /v1/admin/clients/{id}",
        "GET /v1/admin/health",
        "GET /v1/admin/invitations",
        "GET /v1/admin/keys",
        "GET /v1/admin/letter-templates/{kind}",
        "GET /v1/admin/letters",
        "GET /v1/admin/letters/sent",
        "GET /v1/admin/live",
        "GET /v1/admin/rotations",
        "GET /v1/admin/settings",
        "GET /v1/admin/stats",
        "GET /v1/admin/tasks",
        "GET /v1/admin/users",
        "GET /v1/admin/users/{id}",
        "GET /v1/admin/users/{id}/factors",
        "GET /v1/admin/users/{id}/secrets",
        "GET /v1/admin/users/{id}/sessions",
        "GET /v1/admin/users/{id}/token-preview",
        "GET /v1/forward-auth",
        "GET /v1/me",
        "GET /v1/me/applications",
        "GET /v1/me/export",
        "GET /v1/me/factors",
        "GET /v1/me/sessions",
        "PATCH /v1/admin/clients/{id}",
        "PATCH /v1/admin/users/{id}",
        "PATCH /v1/admin/users/{id}/profile",
        "PATCH /v1/me",
        "PATCH /v1/me/factors/{id}",
        "PATCH /v1/me/profile",
        "POST /oauth/introspect",
        "POST /oauth/revoke",
        "POST /oauth/token",
        "POST /v1/admin/audit/verify",
        "POST /v1/admin/clients",
        "POST /v1/admin/clients/{id}/disable",
        "POST /v1/admin/clients/{id}/enable",
        "POST /v1/admin/clients/{id}/revoke",
        "POST /v1/admin/clients/{id}/rotate",
        "POST /v1/admin/clients/{id}/secrets",
        "POST /v1/admin/inspect",
        "POST /v1/admin/invitations",
        "POST /v1/admin/letters/{id}/retry",
        "POST /v1/admin/propagation",
        "POST /v1/admin/replace-keys",
        "POST /v1/admin/revoke-all",
        "POST /v1/admin/rewrap",
        "POST /v1/admin/rotations",
        "POST /v1/admin/rotations/pause",
        "POST /v1/admin/rotations/resume",
        "POST /v1/admin/rotations/stop",
        "POST /v1/admin/tasks/stop",
        "POST /v1/admin/users",
        "POST /v1/admin/users/bulk",
        "POST /v1/admin/users/{id}/disable",
        "POST /v1/admin/users/{id}/enable",
        "POST /v1/admin/users/{id}/impersonate",
        "POST /v1/admin/users/{id}/require-new-password",
        "POST /v1/admin/users/{id}/reset-link",
        "POST /v1/admin/users/{id}/revoke",
        "POST /v1/admin/users/{id}/rotate",
        "POST /v1/admin/users/{id}/verify",
        "POST /v1/email/resend",
        "POST /v1/email/verify",
        "POST /v1/login",
        "POST /v1/login/confirm",
        "POST /v1/login/impersonation",
        "POST /v1/login/mail",
        "POST /v1/login/mail/complete",
        "POST /v1/login/second-factor",
        "POST /v1/logout",
        "POST /v1/logout-all",
        "POST /v1/me/devices",
        "POST /v1/me/factors/totp",
        "POST /v1/me/factors/totp/confirm",
        "POST /v1/me/passkeys",
        "POST /v1/me/passkeys/options",
        "POST /v1/me/password",
        "POST /v1/me/recovery-codes",
        "POST /v1/me/step-up",
        "POST /v1/me/step-up/options",
        "POST /v1/passkeys/options",
        "POST /v1/passkeys/sign-in",
        "POST /v1/password/forgot",
        "POST /v1/password/reset",
        "POST /v1/refresh",
        "POST /v1/register",
        "POST /v1/register/finish",
        "POST /v1/register/invited",
      ]
    `)
  })

  it('is OpenAPI 3.1, and every reference in it resolves', async () => {
    const { document } = running.api.contract
    expect(document.openapi).toBe('3.1.0')
    const { schemas, headers } = document.components
    for (const [, kind, name] of JSON.stringify(document).matchAll(/"\$ref":"#\/components\/(\w+)\/([^"]+)"/g)) {
      expect(Object.keys(kind === 'headers' ? headers : schemas)).toContain(name)
    }
  })

  it('passes a linter', async () => {
    const config = await createConfig({
      extends: ['recommended-strict'],
      rules: {
        'operation-operationId-url-safe': 'error',
        'operation-singular-tag': 'error',
      },
    })
    const found = await lintFromString({ source: JSON.stringify(running.api.contract.document), config })
    expect(found.map(({ ruleId, message, location }) => [ruleId, message, location[0]?.pointer])).toEqual([])
  })

  it('states for every route its summary, its security and its refusals', () => {
    for (const { name, summary, security, responses } of operations()) {
      expect([name, summary]).toEqual([name, expect.any(String)])
      const open = !/\/v1\/(me|admin|logout)/.test(name)
      const byToken = [{ bearer: [] }, { cookie: [] }]
      // The route accepts a session, or a password in the body.
      const either = name === 'POST /v1/email/verify'
      expect([name, security]).toEqual([name, either ? [...byToken, {}] : open ? [] : byToken])
      if (!open) expect(Object.keys(responses)).toContain('401')
      const refused = Object.entries(responses).filter(([status]) => Number(status) >= 400)
      const type = name.includes('/oauth/') ? 'application/json' : 'application/problem+json'
      for (const [, { content }] of refused) expect(Object.keys(content ?? {})).toEqual([type])
    }
  })

  it('has error codes of the server that differ from all codes of the library', () => {
    expect(Object.keys(problems).filter((code) => code in failures)).toEqual([])
  })
})
