/**
 * Writes the reference of the library from its types and docstrings, one page per entry point:
 * `node scripts/write-library-reference.mjs [folder]`; `npm run reference` runs it.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Application, Converter, IntrinsicType, ReflectionKind } from 'typedoc'
import { entriesOf } from './package-exports.mjs'

const repository = fileURLToPath(new URL('..', import.meta.url))
const [folder = join(repository, 'docs/reference/library')] = process.argv.slice(2)
const library = join(repository, 'packages/latchkey')

/** The source of each entry point, by the name of its page. */
const entryPoints = entriesOf(JSON.parse(readFileSync(join(library, 'package.json'), 'utf8'))).map(
  ({ subpath, entry }) => ({
    page: subpath === '.' ? 'latchkey' : subpath.slice('./'.length),
    source: join(library, `src/${entry}.ts`),
  }),
)

const app = await Application.bootstrapWithPlugins({
  plugin: ['typedoc-plugin-markdown'],
  tsconfig: join(library, 'tsconfig.json'),
  entryPoints: entryPoints.map(({ source }) => source),
  name: 'Library reference',
  readme: 'none',
  logLevel: 'Error',
  disableSources: true,
  disableGit: true,
  excludeExternals: true,
  excludePrivate: true,
  outputFileStrategy: 'modules',
  hidePageHeader: true,
  hideBreadcrumbs: true,
  hideGroupHeadings: true,
  parametersFormat: 'table',
  interfacePropertiesFormat: 'table',
  typeDeclarationFormat: 'table',
  propertyMembersFormat: 'table',
  tableColumnSettings: { hideInherited: true, hideOverrides: true, hideSources: true },
  useHTMLEncodedBrackets: true,
})
app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
  for (const [index, module] of (project.children ?? []).entries()) module.name = entryPoints[index].page
})
app.converter.on(Converter.EVENT_RESOLVE_END, ({ project }) => shortenFailures(project))
const project = await app.convert()
if (project === undefined) throw new Error('typedoc cannot read packages/latchkey: run npm run build first.')
app.options.setValue('outputs', [{ name: 'markdown', path: folder }])
await app.generateOutputs(project)

/**
 * Shortens the types of the values that hold the table of failures, which typedoc would write out
 * for each member: docs/reference/errors.md has the table.
 */
function shortenFailures(project) {
  for (const variable of project.getReflectionsByKind(ReflectionKind.Variable)) {
    if (variable.name === 'failures') variable.type = new IntrinsicType('Failures')
    if (variable.name === 'LatchkeyError') variable.type = new IntrinsicType('typeof FailureError')
    variable.defaultValue = undefined
  }
}
