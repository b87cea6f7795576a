import { useEffect, useState } from 'preact/hooks'
import { answer, api } from '../../api/client.js'
import { type ApiProblem, asProblem } from '../../api/problem.js'
import { Button } from '../../ui/button.js'
import { CurlButton } from '../../ui/curl-button.js'
import { TextArea } from '../../ui/field.js'
import { Page } from '../../ui/page.js'
import { ProblemNotice } from '../../ui/problem-notice.js'
import { Section } from '../../ui/section.js'
import type { Inspection } from './inspection.js'
import { InspectionResult } from './inspection-result.js'
import { TokenPreview } from './token-preview.js'

/** Copies of tokens often have the scheme, quotation marks or line breaks around them. */
function tokenIn(text: string): string {
  return text
    .trim()
    .replace(/^bearer\s+/i, '')
    .replaceAll(/["'\s]/g, '')
}

/**
 * The page "Token inspector". A pasted token is in the memory of this page alone, and leaves it with
 * the page. It is neither in the URL nor in a storage.
 */
export default function InspectorPage() {
  const [text, setText] = useState('')
  const [found, setFound] = useState<Inspection>()
  const [problem, setProblem] = useState<ApiProblem>()
  const clear = () => {
    setText('')
    setFound(undefined)
    setProblem(undefined)
  }
  useEffect(() => {
    // The browser may keep the page, with its fields, to go back to it.
    addEventListener('pagehide', clear)
    return () => removeEventListener('pagehide', clear)
  }, [])
  const inspect = async () => {
    setProblem(undefined)
    setFound(undefined)
    try {
      setFound(await answer(api.POST('/v1/admin/inspect', { body: { token: tokenIn(text) } })))
    } catch (error) {
      setProblem(asProblem(error))
    }
  }
  return (
    <Page
      title="Token inspector"
      intro="Shows what a token says, whose it is, and whether this server accepts it now, check by check. The token goes to this server alone. It is not logged, and it is gone when you leave the page."
      actions={<CurlButton method="POST" path="/v1/admin/inspect" body={{ token: 'TOKEN' }} />}
    >
      <Section title="A token">
        <form
          onSubmit={(event) => {
            event.preventDefault()
            if (tokenIn(text) !== '') void inspect()
          }}
        >
          <TextArea
            label="Token"
            hint="An access token of an account or a client, a token for another service, or a refresh token."
            value={text}
            onChange={setText}
            rows={5}
          />
          <div class="actions">
            <Button type="submit" kind="primary">
              Inspect
            </Button>
            <Button onClick={clear}>Clear</Button>
          </div>
        </form>
      </Section>
      <ProblemNotice problem={problem} />
      {found === undefined ? null : <InspectionResult found={found} />}
      <TokenPreview />
    </Page>
  )
}
