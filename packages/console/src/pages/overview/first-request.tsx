import { base } from '../../base.js'
import { CopyButton } from '../../ui/copy-button.js'
import { Section } from '../../ui/section.js'
import type { LiveState } from './live-feed.js'

/** Below this number of verified tokens, nobody uses the server yet. */
const enough = 200

/** Shows a newcomer how to make the numbers move. */
export function FirstRequest({ latest: { totals } }: { readonly latest: LiveState }) {
  if (totals.verifications_memory + totals.verifications_read >= enough) return null
  const home = `${location.origin}${base}`
  const commands = [
    `TOKEN=$(curl -s ${home}/v1/register -H 'Content-Type: application/json' \\`,
    `  -d '{"email":"ada@example.com","password":"correct horse battery staple"}' | jq -r .access_token)`,
    `for i in $(seq 100); do curl -s -o /dev/null ${home}/v1/me -H "Authorization: Bearer $TOKEN"; done`,
  ].join('\n')
  return (
    <Section title="Little traffic yet" actions={<CopyButton text={commands} label="Copy" />}>
      <p>Applications verify the tokens of this server. Create a user, and send a hundred requests to see it:</p>
      <pre class="commands">{commands}</pre>
    </Section>
  )
}
