import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ApiDocument } from '../../../src/docs/api-document.js'
import { renderDocs } from '../../../src/docs/render-docs.js'
import { startServer, type TestServer } from '../../support/start-server.js'

describe('/docs', () => {
  let running: TestServer

  beforeAll(async () => {
    running = await startServer({ database: 'sqlite' })
  })
  afterAll(() => running.stop())

  const read = async (path: string) => {
    const response = await fetch(`${running.url}${path}`)
    return { headers: response.headers, text: await response.text() }
  }

  it('shows every operation, and every schema that an operation refers to', async () => {
    const { text } = await read('/docs')
    for (const { path, operation } of running.api.contract.operations) {
      expect(text).toContain(`id="${operation.operationId}"`)
      expect(text.replaceAll('<wbr>', '')).toContain(path)
    }
    const anchors = new Set([...text.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id))
    const targets = [...text.matchAll(/ href="#([^"]+)"/g)].map(([, id]) => id)
    expect(targets.length).toBeGreaterThan(50)
    expect(targets.filter((id) => !anchors.has(id))).toEqual([])
    expect(anchors.size).toBe([...text.matchAll(/ id="/g)].length)
  })

  it('needs no script, loads nothing from other origins, and forbids both by its policy', async () => {
    const { text, headers } = await read('/docs')
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(headers.get('content-security-policy')).toBe(
      "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    )
    expect(text).not.toMatch(/<(script|style|iframe|img|form|base)\b| style=| on\w+=|(src|href)="(https?:)?\/\//)
  })

  it('loads its style from the same place, also below a path', async () => {
    const { text } = await read('/docs')
    const links = [...text.matchAll(/(?:src|href)="([^#"][^"]*)"/g)].map(([, link = '']) => link)
    expect(links).toEqual(['docs/style.css', 'openapi.json'])
    const style = await read('/docs/style.css')
    expect(style.headers.get('content-type')).toBe('text/css; charset=utf-8')
    expect(style.text).toContain('prefers-color-scheme: dark')
    expect(style.text).not.toMatch(/url\(|@import/)
  })

  it('is not listed in the reference itself', () => {
    expect(Object.keys(running.api.contract.document.paths).filter((path) => path.startsWith('/docs'))).toEqual([])
  })
})

describe('the page of a document', () => {
  it('shows all texts of the document as text', () => {
    const hostile = '<img src=x onerror=alert(1)>"\'&`<b>`'
    const schema = {
      type: 'object',
      properties: { [hostile]: { type: 'string', description: hostile, enum: [hostile] } },
    }
    const document: ApiDocument = {
      info: { title: hostile, description: hostile },
      servers: [{ url: `https://example.com/${hostile}` }],
      tags: [{ name: 'all', description: hostile }],
      paths: {
        [`/${hostile}`]: {
          post: {
            operationId: 'one',
            summary: hostile,
            description: hostile,
            tags: ['all'],
            parameters: [{ in: 'query', name: hostile, description: hostile }],
            requestBody: { content: { 'application/json': { schema } } },
            responses: { 200: { description: hostile }, 400: { description: hostile } },
          },
        },
      },
      components: { schemas: { Shape: schema } },
    }
    const page = renderDocs(document)
    expect(page).not.toMatch(/<img|<b>/)
    expect(page).toContain('&lt;img src=x onerror=alert(1)&gt;')
  })
})
