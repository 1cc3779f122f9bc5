// The editor: Python with line numbers, completion, and errors at their place.
import {
  acceptCompletion, autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { python } from "@codemirror/lang-python";
import {
  bracketMatching, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting,
} from "@codemirror/language";
import { lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { EditorState } from "@codemirror/state";
import {
  drawSelection, EditorView, highlightActiveLine, highlightActiveLineGutter, highlightSpecialChars,
  keymap, lineNumbers,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";

// All colours are the page's, which has two sets of them.
const COLOURS = HighlightStyle.define([
  { tag: tags.keyword, color: "var(--code-keyword)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--code-string)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--code-number)" },
  { tag: tags.comment, color: "var(--code-comment)", fontStyle: "italic" },
  { tag: [tags.function(tags.variableName), tags.function(tags.propertyName)], color: "var(--code-call)" },
  { tag: tags.definition(tags.variableName), color: "var(--code-name)" },
]);

const LOOK = EditorView.theme({
  "&": { height: "100%", color: "var(--ink)", backgroundColor: "var(--paper)", fontSize: "13.5px" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.55", overflow: "auto" },
  ".cm-content": { caretColor: "var(--ink)", padding: "8px 0" },
  "&.cm-focused": { outline: "none" },
  ".cm-cursor, .cm-dropCursor": { borderLeftColor: "var(--ink)", borderLeftWidth: "2px" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground":
    { backgroundColor: "var(--selection)" },
  ".cm-activeLine": { backgroundColor: "var(--line)" },
  ".cm-gutters": { backgroundColor: "var(--paper)", color: "var(--faint)", border: "none" },
  ".cm-activeLineGutter": { backgroundColor: "var(--line)", color: "var(--ink)" },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "var(--selection)" },
  ".cm-tooltip": {
    color: "var(--ink)", backgroundColor: "var(--paper)", border: "1px solid var(--rule)",
    borderRadius: "6px", overflow: "hidden",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]":
    { color: "var(--paper)", backgroundColor: "var(--accent)" },
  ".cm-completionDetail": { color: "inherit", opacity: "0.75" },
  ".cm-diagnostic-error": { borderLeft: "4px solid var(--error)", padding: "6px 10px", maxWidth: "60ch" },
  ".cm-lintRange-error": {
    backgroundImage: "none", textDecoration: "underline wavy var(--error)", textUnderlineOffset: "3px",
  },
  ".cm-lint-marker-error": { content: "none" },
  ".cm-lint-marker": { width: "0.75em", height: "0.75em", borderRadius: "50%", backgroundColor: "var(--error)" },
});

// In Tab's place: Escape gives it back to the page until the editor is left.
const leaveByEscape = [
  keymap.of([{
    key: "Escape",
    run: (view) => {
      view.setTabFocusMode(true);
      return false; // it also closes a list of completions
    },
  }]),
  EditorView.domEventHandlers({
    focus: (_, view) => {
      view.setTabFocusMode(false);
    },
  }),
];

// Chromium writes style attributes, which the policy forbids, where it replaces lines of text itself.
const typedOverSelection = EditorView.domEventHandlers({
  beforeinput: (event, view) => {
    const { from, to } = view.state.selection.main;
    if (event.inputType !== "insertText" || event.data === null || from === to || view.composing) return false;
    event.preventDefault();
    const insert = () => view.state.update(view.state.replaceSelection(event.data), { userEvent: "input.type" });
    if (!view.state.facet(EditorView.inputHandler).some((handle) => handle(view, from, to, event.data, insert)))
      view.dispatch(insert());
    return true;
  },
});

/** Completions of `sg.`: the public names, each with its kind. */
function completeNames(names) {
  return (context) => {
    const word = context.matchBefore(/\b(?:sg|scalargrad)\.\w*/);
    if (!word) return null;
    const options = names.map(({ name, about }) => ({ label: name, detail: about, type: "function" }));
    return { from: word.from + word.text.indexOf(".") + 1, options, validFor: /^\w*$/ };
  };
}

/**
 * An editor in `parent`.
 *
 * It stands in a shadow root: there it adds its style sheets as objects, which the policy of the page
 * allows, and not as elements, which it forbids.
 *
 * @param {HTMLElement} parent
 * @param {{ onChange: (program: string, byUser: boolean) => void, onRun: () => void, names: { name: string, about: string }[] }} options
 */
export function createEditor(parent, { onChange, onRun, names }) {
  const root = parent.attachShadow({ mode: "open" });
  const language = python();
  let replaced = false; // whether the text changes by `program = ...`
  const view = new EditorView({
    root, parent: root,
    state: EditorState.create({
      extensions: [
        lineNumbers(), highlightActiveLineGutter(), highlightSpecialChars(), history(), drawSelection(),
        indentOnInput(), indentUnit.of("    "), bracketMatching(), closeBrackets(), highlightActiveLine(),
        autocompletion({ activateOnTypingDelay: 150 }), lintGutter(), language,
        language.language.data.of({ autocomplete: completeNames(names) }),
        syntaxHighlighting(COLOURS), LOOK, leaveByEscape, typedOverSelection, EditorView.lineWrapping,
        keymap.of([
          { key: "Mod-Enter", run: () => (onRun(), true) },
          { key: "Tab", run: acceptCompletion },
          ...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, ...completionKeymap, ...lintKeymap,
          indentWithTab,
        ]),
        EditorView.contentAttributes.of({
          "aria-label": "Python program",
          "aria-description": "Tab indents. To leave the editor press Escape, then Tab. Control and Enter runs the program at once.",
          spellcheck: "false", autocorrect: "off", autocapitalize: "off",
        }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) onChange(update.state.doc.toString(), !replaced);
        }),
      ],
    }),
  });
  return {
    get program() {
      return view.state.doc.toString();
    },

    /** Put another program in place of this one; undo brings this one back. */
    set program(text) {
      replaced = true;
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text }, selection: { anchor: 0 } });
      replaced = false;
      view.scrollDOM.scrollTop = 0;
    },

    /** Mark the place of an error: `line` from 1, columns from 0, the last one excluded; null for none. */
    mark(error) {
      const diagnostics = error?.line ? [{ ...span(view.state.doc, error), severity: "error", message: error.message }] : [];
      view.dispatch(setDiagnostics(view.state, diagnostics));
    },

    /** Put the cursor at a line, and the focus into the editor. */
    goTo(line) {
      const { from } = view.state.doc.line(Math.min(Math.max(line, 1), view.state.doc.lines));
      view.dispatch({ selection: { anchor: from }, scrollIntoView: true });
      view.focus();
    },

    focus: () => view.focus(),
  };
}

function span(doc, { line, column, endColumn }) {
  const { from, to, text } = doc.line(Math.min(Math.max(line, 1), doc.lines));
  const start = from + Math.min(column ?? text.length - text.trimStart().length, text.length);
  const end = Math.min(endColumn === undefined || endColumn === null ? to : from + endColumn, to);
  return { from: Math.min(start, Math.max(from, end - 1)), to: end };
}
