import { answer, api } from '../../api/client.js'
import type { operations } from '../../api/schema.js'
import { useAnswer } from '../../api/use-answer.js'
import { SelectField } from '../../ui/field.js'
import { Loaded } from '../../ui/loaded.js'
import { Section } from '../../ui/section.js'
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

/**
 * The paragraphs of the letter, as text: nothing of a template runs or is loaded here. The HTML of a
 * letter consists of the same paragraphs.
 */
function Letter({ preview: { locale, dir, subject, text, html } }: { readonly preview: Preview }) {
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
      <p class="hint">The values are examples, and the link has no effect. Set LATCHKEY_LETTERS to change the texts.</p>
      <details>
        <summary>Plain text</summary>
        <pre dir={dir}>{text}</pre>
      </details>
      <details>
        <summary>HTML</summary>
        <pre>{html}</pre>
      </details>
    </>
  )
}
