import { Html, html, inline, prose } from '../html.js'
import { type ApiDocument, type Content, operationsOf, type PlacedOperation } from './api-document.js'
import { exampleOf, renderParameters, renderSchema } from './render-schema.js'

/** The headings of parameters by place. */
const places = { path: 'In the path', query: 'In the query', header: 'In headers', cookie: 'In cookies' } as const

/**
 * Returns the reference of an API as one page without scripts. Its links are relative: the page is
 * next to `openapi.json`, and the style is at `docs/style.css`.
 */
export function renderDocs(document: ApiDocument): string {
  const operations = operationsOf(document)
  const groups = document.tags
    .map((tag) => ({ ...tag, operations: operations.filter(({ tags = [] }) => tags.includes(tag.name)) }))
    .filter((group) => group.operations.length > 0)
  const { title, description = '' } = document.info
  const base = document.servers[0]?.url ?? ''
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} API</title>
<link rel="stylesheet" href="docs/style.css">
</head>
<body>
<header><h1>${title} API</h1>${prose(description)}<p><code>${base}</code> · <a href="openapi.json">openapi.json</a></p></header>
<nav aria-label="Operations">${groups.map(renderIndex)}<h2><a href="#shapes">shapes</a></h2></nav>
<main>
${groups.map((group) => renderGroup(group, base))}
<section id="shapes"><h2>shapes</h2><p>Objects that several operations use.</p>${Object.entries(document.components.schemas).map(renderShape)}</section>
</main>
</body>
</html>
`.text
}

interface Group {
  readonly name: string
  readonly description?: string
  readonly operations: readonly PlacedOperation[]
}

function renderIndex({ name, operations }: Group): Html {
  return html`<h2><a href="#${idOf(name)}">${name}</a></h2><ul>${operations.map(
    ({ operationId, method, path }) =>
      html`<li><a href="#${operationId}">${badge(method)} <span>${breakable(path)}</span></a></li>`,
  )}</ul>`
}

function renderGroup({ name, description = '', operations }: Group, base: string): Html {
  return html`<section id="${idOf(name)}"><h2>${name}</h2>${prose(description)}${operations.map((operation) =>
    renderOperation(operation, base),
  )}</section>
`
}

// The anchor is inside, because browsers unfold the element around the target of a link.
function renderOperation(operation: PlacedOperation, base: string): Html {
  const { operationId, method, path, summary = '', description, parameters = [], requestBody, responses } = operation
  return html`<details>
<summary>${badge(method)} <code class="path">${breakable(path)}</code> <span class="summary">${summary}</span></summary>
<div class="operation" id="${operationId}">
${description === undefined ? undefined : prose(description)}
${needsToken(operation) ? html`<p class="token">Needs an access token.</p>` : undefined}
${Object.entries(places).map(([place, heading]) => {
  const here = parameters.filter((parameter) => parameter.in === place)
  return here.length === 0 ? undefined : html`<h4>${heading}</h4>${renderParameters(here)}`
})}
${requestBody === undefined ? undefined : html`<h4>Body</h4>${renderContent(requestBody.content)}`}
<h4>Example</h4><pre><code>${curl(operation, base)}</code></pre>
<h4>Answers</h4>${Object.entries(responses).map(([status, answer]) => renderAnswer(status, answer))}
</div>
</details>
`
}

function renderAnswer(status: string, { description, content = {} }: PlacedOperation['responses'][string]): Html {
  if (status < '400') return html`<h5><span class="ok">${status}</span> ${description}</h5>${renderContent(content)}`
  const codes = description.split('\n\n').map((line) => html`<li>${inline(line)}</li>`)
  return html`<h5><span class="refused">${status}</span></h5><ul class="codes">${codes}</ul>`
}

function renderContent(content: Content): Html[] {
  return Object.entries(content).map(([type, { schema = {} }]) => {
    const kind = type === 'application/json' ? undefined : html`<p class="type">${type}</p>`
    return html`${kind}${renderSchema(schema)}`
  })
}

function renderShape([name, schema]: [string, ApiDocument['components']['schemas'][string]]): Html {
  return html`<h3 id="shape-${name}">${name}</h3>${prose(schema.description ?? '')}${renderSchema(schema)}
`
}

function curl(operation: PlacedOperation, base: string): string {
  const { method, path, requestBody } = operation
  const url = `'${base}${path.replaceAll(/\{(\w+)\}/g, '<$1>')}'`
  const verb = method === 'GET' ? '' : ` -X ${method}`
  const token = needsToken(operation) ? ["-H 'Authorization: Bearer <access_token>'"] : []
  return [`curl${verb} ${url}`, ...token, ...curlBody(requestBody?.content ?? {})].join(' \\\n  ')
}

function curlBody(content: Content): string[] {
  const [[type, { schema = {} }] = ['', {}]] = Object.entries(content)
  if (type === '') return []
  const example = exampleOf(schema)
  if (type === 'application/json') return ["-H 'Content-Type: application/json'", `-d '${JSON.stringify(example)}'`]
  return Object.entries(Object(example)).map(([name, value]) => `-d '${name}=${value}'`)
}

function needsToken({ security = [] }: Pick<PlacedOperation, 'security'>): boolean {
  return security.some((way) => 'bearer' in way)
}

function badge(method: string): Html {
  return html`<span class="method ${method.toLowerCase()}">${method}</span>`
}

/** Returns a path that may wrap at its slashes. */
function breakable(path: string): Html {
  return new Html(html`${path}`.text.replaceAll('/', '<wbr>/'))
}

function idOf(tag: string): string {
  return `tag-${tag.replaceAll(' ', '-')}`
}
