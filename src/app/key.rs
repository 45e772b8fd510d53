//! A key, as people write it (`ctrl-l`, `pageup`, `V`) and as crossterm reports it.

use std::{fmt, str::FromStr};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A key with or without Ctrl. Alt and Esc are not available: over SSH and tmux both are ambiguous.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    code: KeyCode,
    ctrl: bool,
}

impl Key {
    /// Tab.
    pub const TAB: Self = Self::code(KeyCode::Tab);
    /// Shift-Tab.
    pub const BACK_TAB: Self = Self::code(KeyCode::BackTab);
    /// Enter.
    pub const ENTER: Self = Self::code(KeyCode::Enter);
    /// Space.
    pub const SPACE: Self = Self::char(' ');
    /// Cursor up.
    pub const UP: Self = Self::code(KeyCode::Up);
    /// Cursor down.
    pub const DOWN: Self = Self::code(KeyCode::Down);
    /// Cursor left.
    pub const LEFT: Self = Self::code(KeyCode::Left);
    /// Cursor right.
    pub const RIGHT: Self = Self::code(KeyCode::Right);
    /// Page up.
    pub const PAGE_UP: Self = Self::code(KeyCode::PageUp);
    /// Page down.
    pub const PAGE_DOWN: Self = Self::code(KeyCode::PageDown);
    /// Home.
    pub const HOME: Self = Self::code(KeyCode::Home);
    /// End.
    pub const END: Self = Self::code(KeyCode::End);

    /// Backspace.
    pub const BACKSPACE: Self = Self::code(KeyCode::Backspace);
    /// Delete.
    pub const DELETE: Self = Self::code(KeyCode::Delete);

    /// Esc closes a popup. It cannot be bound: over SSH it arrives late and looks like Alt.
    pub const ESC: Self = Self::code(KeyCode::Esc);

    const NAMED: [(Self, &'static str); 12] = [
        (Self::TAB, "tab"),
        (Self::BACK_TAB, "backtab"),
        (Self::ENTER, "enter"),
        (Self::SPACE, "space"),
        (Self::UP, "up"),
        (Self::DOWN, "down"),
        (Self::LEFT, "left"),
        (Self::RIGHT, "right"),
        (Self::PAGE_UP, "pageup"),
        (Self::PAGE_DOWN, "pagedown"),
        (Self::HOME, "home"),
        (Self::END, "end"),
    ];

    const fn code(code: KeyCode) -> Self {
        Self { code, ctrl: false }
    }

    /// A character as typed: `V` is Shift and v.
    #[must_use]
    pub const fn char(char: char) -> Self {
        Self::code(KeyCode::Char(char))
    }

    /// The character typed, if it is one.
    #[must_use]
    pub fn typed(self) -> Option<char> {
        match self.code {
            KeyCode::Char(char) if !self.ctrl && !char.is_control() => Some(char),
            _ => None,
        }
    }

    /// A function key, from F1 on.
    #[must_use]
    pub const fn f(number: u8) -> Self {
        Self::code(KeyCode::F(number))
    }

    /// The number of a function key.
    #[must_use]
    pub(super) fn function(self) -> Option<u8> {
        match self.code {
            KeyCode::F(number) => Some(number),
            _ => None,
        }
    }

    /// Ctrl with a letter, given in lower case.
    #[must_use]
    pub const fn ctrl(char: char) -> Self {
        Self { code: KeyCode::Char(char), ctrl: true }
    }
}

impl From<KeyEvent> for Key {
    fn from(event: KeyEvent) -> Self {
        let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
        let code = match event.code {
            // Some terminals report Ctrl-L as Ctrl and `L`.
            KeyCode::Char(char) if ctrl => KeyCode::Char(char.to_ascii_lowercase()),
            code => code,
        };
        Self { code, ctrl }
    }
}

impl FromStr for Key {
    type Err = String;

    /// # Errors
    /// A sentence that names the invalid text and the valid spellings.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(&(key, _)) = Self::NAMED.iter().find(|(_, name)| *name == text) {
            return Ok(key);
        }
        if let Some(number @ 1..=12) = text.strip_prefix('f').and_then(|rest| rest.parse().ok()) {
            return Ok(Self::f(number));
        }
        let (ctrl, rest) = text.strip_prefix("ctrl-").map_or((false, text), |rest| (true, rest));
        let mut chars = rest.chars();
        match (chars.next(), chars.next()) {
            (Some(char), None) if !char.is_control() && !char.is_whitespace() => {
                Ok(if ctrl { Self::ctrl(char.to_ascii_lowercase()) } else { Self::char(char) })
            }
            _ => Err(format!(
                "\"{text}\" is no key; write one character, ctrl- and a letter, or one of {}",
                Self::NAMED.map(|(_, name)| name).join(" ")
            )),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((_, name)) = Self::NAMED.iter().find(|(key, _)| key == self) {
            return f.pad(name);
        }
        match self.code {
            KeyCode::Char(char) if self.ctrl => f.pad(&format!("ctrl-{char}")),
            KeyCode::Char(char) => f.pad(char.encode_utf8(&mut [0; 4])),
            KeyCode::F(number) => f.pad(&format!("f{number}")),
            code => f.pad(&format!("{code:?}").to_lowercase()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::action::TABLE;

    #[test]
    fn every_key_of_the_table_reads_back_from_what_it_prints() {
        for key in TABLE.iter().flat_map(|binding| binding.keys) {
            assert_eq!(key.to_string().parse(), Ok(*key));
        }
    }

    #[test]
    fn text_that_is_no_key_is_named_with_the_spellings_there_are() {
        for text in ["", "ab", "alt-x", "esc", "ctrl-", "\u{1b}", "ctrl-tab"] {
            let error = text.parse::<Key>().expect_err(text);
            assert!(error.contains(text) && error.contains("pageup"), "{error}");
        }
    }

    #[test]
    fn shift_does_not_hide_a_character_and_ctrl_ignores_case() {
        let event = |code, modifiers| Key::from(KeyEvent::new(code, modifiers));
        assert_eq!(event(KeyCode::Char('V'), KeyModifiers::SHIFT), Key::char('V'));
        assert_eq!(event(KeyCode::BackTab, KeyModifiers::SHIFT), Key::BACK_TAB);
        assert_eq!(
            event(KeyCode::Char('L'), KeyModifiers::CONTROL | KeyModifiers::SHIFT),
            Key::ctrl('l')
        );
    }
}
