import { answer, api } from '../../api/client.js'
import type { operations } from '../../api/schema.js'
import { useAnswer } from '../../api/use-answer.js'
import { SelectField } from '../../ui/field.js'
import { Loaded } from '../../ui/loaded.js'
import { Section } from '../../ui/section.js'
import { Tabs } from '../../ui/tabs.js'
import { useQuery } from '../../ui/use-query.js'
import { type TemplateName, templateWords } from './letter-words.js'
import './letters.css'

type Preview = operations['previewLetter']['responses'][200]['content']['application/json']
type Query = NonNullable<operations['previewLetter']['parameters']['query']>

const kinds = Object.entries(templateWords) as [TemplateName, string][]

/** A letter with example values, in the language and of the kind that the URL names. */
export function LetterTemplate() {
  const { get, set } = useQuery()
  const kind = kinds.find(([name]) => name === get('kind'))?.[0] ?? 'verify_email'
  const locale = get('locale')
  // The server refuses a language that it does not offer.
  const query = (locale === '' ? {} : { locale }) as Query
  const found = useAnswer(`${kind} ${locale}`, (signal) =>
    answer(api.GET('/v1/admin/letter-templates/{kind}', { params: { path: { kind }, query }, signal })),
  )
  return (
    <Section title="Preview">
      <div class="toolbar">
        <SelectField label="Letter" value={kind} options={kinds} onChange={(next) => set({ kind: next })} />
        {found.data === undefined ? null : (
          <SelectField
            label="Language"
            value={found.data.locale}
            options={found.data.locales.map((tag) => [tag, languageName(tag)])}
            onChange={(next) => set({ locale: next })}
          />
        )}
      </div>
      <Loaded answer={found}>{(preview) => <Letter preview={preview} />}</Loaded>
    </Section>
  )
}

const names = new Intl.DisplayNames('en', { type: 'language' })

function languageName(tag: string): string {
  return names.of(tag) ?? tag
}

/** The letter as text and as HTML. The URL names the form that is shown. */
function Letter({ preview }: { readonly preview: Preview }) {
  const { get, set } = useQuery()
  return (
    <>
      <Tabs
        label="Form of the letter"
        tabs={[
          { name: 'text', title: 'As text', content: () => <TextLetter preview={preview} /> },
          { name: 'html', title: 'As HTML', content: () => <HtmlLetter preview={preview} /> },
        ]}
        selected={get('as') === 'html' ? 'html' : 'text'}
        onSelect={(name) => set({ as: name === 'text' ? '' : name })}
      />
      <p class="hint">The values are examples, and the link has no effect. Set LATCHKEY_LETTERS to change the texts.</p>
    </>
  )
}

function TextLetter({ preview: { locale, dir, subject, text } }: { readonly preview: Preview }) {
  return (
    <>
      <article class="letter" lang={locale} dir={dir} aria-label="Preview of the letter">
        <h3>{subject}</h3>
        {text
          .trim()
          .split('\n\n')
          .map((paragraph) => (
            <p key={paragraph} class="paragraph">
              {/^https?:\S+$/.test(paragraph) ? <bdo dir="ltr">{paragraph}</bdo> : paragraph}
            </p>
          ))}
      </article>
      <details>
        <summary>Source of the text</summary>
        <pre dir={dir}>{text}</pre>
      </details>
    </>
  )
}

/**
 * The HTML of a letter as a mail program shows it, in a frame without any right: it runs no script,
 * and its policy is that of the console, so that it loads nothing either. A letter has no styles of
 * its own, which that policy would block.
 */
function HtmlLetter({ preview: { locale, dir, subject, html } }: { readonly preview: Preview }) {
  return (
    <>
      <article class="letter" lang={locale} dir={dir} aria-label="Preview of the letter">
        <h3>{subject}</h3>
        <iframe title="The letter as HTML" sandbox="" srcdoc={withoutEffect(html)} />
      </article>
      <details>
        <summary>Source of the HTML</summary>
        <pre>{html}</pre>
      </details>
    </>
  )
}

/**
 * Returns the HTML with links that look as before, and that no click, key or drag follows: a frame
 * without rights could still load their pages into itself.
 */
function withoutEffect(html: string): string {
  const letter = new DOMParser().parseFromString(html, 'text/html')
  for (const link of letter.links) link.inert = true
  return `<!doctype html>${letter.documentElement.outerHTML}`
}
