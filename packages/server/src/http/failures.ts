import { defineProblems } from '../problem.js'

/** Failures of requests before a route handles them, and of the server itself. */
export const httpFailures = defineProblems({
  validation_failed: {
    status: 400,
    message: 'The request does not match the schema of this route.',
    hint: 'See "errors" for each field, and /openapi.json for the schema.',
  },
  text_malformed: {
    status: 400,
    message: 'A text of the request contains a NUL character or an unpaired surrogate.',
    hint: 'Send well-formed Unicode without U+0000.',
  },
  body_malformed: {
    status: 400,
    message: 'The body cannot be parsed as its content type.',
    hint: 'Send one well-formed UTF-8 document, without members such as "__proto__".',
  },
  body_too_large: {
    status: 413,
    message: 'The body is larger than this server accepts.',
    hint: 'Send at most 64 KiB.',
  },
  unsupported_media_type: {
    status: 415,
    message: 'The content type of the body is not supported.',
    hint: 'Send "Content-Type: application/json".',
  },
  content_encoding_unsupported: {
    status: 415,
    message: 'The body is compressed or encoded, which this server does not support.',
    hint: 'Send the body without "Content-Encoding".',
    headers: { 'Accept-Encoding': 'identity' },
  },
  request_malformed: {
    status: 400,
    message: 'This is not a well-formed HTTP request.',
    hint: 'Check the request line, the headers and the percent-encoding of the path.',
  },
  headers_too_large: {
    status: 431,
    message: 'The headers are larger than this server accepts.',
    hint: 'Send at most 16 KiB of headers.',
  },
  request_timeout: {
    status: 408,
    message: 'The request did not arrive in time.',
    hint: 'Send the complete request again.',
  },
  route_unknown: {
    status: 404,
    message: 'There is no route for this path.',
    hint: 'See /openapi.json for the routes.',
  },
  method_not_allowed: {
    status: 405,
    message: 'This route does not support the method.',
    hint: 'Use one of the methods in the Allow header.',
  },
  parameters_malformed: {
    status: 400,
    message: 'A required parameter is missing, or a parameter occurs twice.',
    hint: 'Send each parameter once (RFC 6749 §3.2); see /openapi.json for the required ones.',
    oauthError: 'invalid_request',
  },
  internal_error: {
    status: 500,
    message: 'The server failed to handle the request.',
    hint: 'Retry. If it fails again, send the request_id to the operator.',
  },
})
