//! The models of terminals there are, and what each says of itself.

/// Which dialect a terminal speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Generation {
    /// 2008: no `table=`, rows of four fields, stamps that count.
    First,
    /// 2015, protocol 2.2.14: rows of seven fields.
    Second,
    /// Protocol 2.4.1: options, ping, rows of ten fields.
    Third,
    /// Access control, protocol 3.1.2.
    Access,
}

pub(crate) struct Model {
    pub name: &'static str,
    pub generation: Generation,
    pub firmware: &'static str,
    pub platform: &'static str,
    /// Verify codes with how often each is used, of 100.
    pub verify: &'static [(u8, u32)],
    pub face: bool,
    /// Field 10 of INFO.
    pub functions: &'static str,
}

pub(crate) const SPEED_FACE: Model = Model {
    name: "SpeedFace-V5L",
    generation: Generation::Third,
    firmware: "ZAM180-NF50VA-Ver3.4.10",
    platform: "ZAM180_TFT",
    verify: &[(15, 80), (4, 12), (25, 8)],
    face: true,
    functions: "11111",
};

pub(crate) const MB160: Model = Model {
    name: "MB160",
    generation: Generation::Second,
    firmware: "Ver 8.0.4.2-20190612",
    platform: "ZMM220_TFT",
    verify: &[(1, 55), (15, 35), (4, 10)],
    face: true,
    functions: "111",
};

pub(crate) const ICLOCK_990: Model = Model {
    name: "iClock 990",
    generation: Generation::First,
    firmware: "Ver 6.39 Apr 28 2008",
    platform: "ZEM510_TFT",
    verify: &[(1, 70), (4, 22), (3, 8)],
    face: false,
    functions: "011",
};

pub(crate) const F20: Model = Model {
    name: "F20/M",
    generation: Generation::Access,
    firmware: "Ver 8.0.1.3-20151229",
    platform: "ZMM220_TFT",
    verify: &[(1, 60), (4, 40)],
    face: false,
    functions: "101",
};

/// A terminal of the demonstration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DemoTerminal {
    pub serial_number: &'static str,
    /// What a person would call it.
    pub alias: &'static str,
    pub model: &'static str,
    /// Speaks access control.
    pub access: bool,
}

/// The four terminals of profile `Demo`, in the order of the fleet.
pub const DEMO_TERMINALS: [DemoTerminal; 4] = [
    DemoTerminal {
        serial_number: "CJDE231960217",
        alias: "Main entrance",
        model: SPEED_FACE.name,
        access: false,
    },
    DemoTerminal {
        serial_number: "BRM9204760482",
        alias: "Workshop",
        model: MB160.name,
        access: false,
    },
    DemoTerminal {
        serial_number: "0316144680030",
        alias: "Warehouse gate",
        model: ICLOCK_990.name,
        access: false,
    },
    DemoTerminal {
        serial_number: "AJI6181160001",
        alias: "Laboratory door",
        model: F20.name,
        access: true,
    },
];

pub(crate) const DEMO_MODELS: [&Model; 4] = [&SPEED_FACE, &MB160, &ICLOCK_990, &F20];

/// The model of the n-th attendance terminal of a fleet: half new, the others older.
pub(crate) fn attendance(index: usize) -> &'static Model {
    match index % 10 {
        0..=4 => &SPEED_FACE,
        5..=7 => &MB160,
        _ => &ICLOCK_990,
    }
}

impl Model {
    /// The query of the first request, behind `SN=…`.
    pub fn hello(&self) -> &'static str {
        match self.generation {
            Generation::First => "&options=all",
            Generation::Second => "&options=all&pushver=2.2.14&language=69",
            Generation::Third => {
                "&options=all&pushver=2.4.1&DeviceType=att&language=69&PushOptionsFlag=1"
            }
            Generation::Access => {
                "&options=all&pushver=3.1.2&DeviceType=acc&language=69&PushOptionsFlag=1"
            }
        }
    }

    /// What the terminal knows of itself, in the spelling of `table=options` and of the answer to INFO. Counters are
    /// not among it.
    pub fn properties(&self, serial_number: &str, index: usize) -> Vec<(String, String)> {
        let flag = |on: bool| if on { "1" } else { "0" };
        let new = self.generation == Generation::Third;
        let mac = format!(
            "00:17:61:{:02x}:{:02x}:{:02x}",
            index >> 16 & 255,
            index >> 8 & 255,
            index & 255
        );
        [
            ("~DeviceName", self.name),
            ("~SerialNumber", serial_number),
            ("MAC", &mac),
            ("~Platform", self.platform),
            ("~OEMVendor", "ZKTeco Inc."),
            ("FWVersion", self.firmware),
            ("PushVersion", "Ver 2.0.33S-20220623"),
            ("~MaxUserCount", "100"),
            ("~MaxAttLogCount", "10"),
            ("~MaxFingerCount", "40"),
            ("FingerFunOn", "1"),
            ("FPVersion", "10"),
            ("FaceFunOn", flag(self.face)),
            ("FaceVersion", if new { "39" } else { "7" }),
            ("BioPhotoFun", flag(new)),
            ("BioDataFun", flag(new)),
            ("VisilightFun", flag(new)),
            ("PhotoFunOn", flag(new)),
            (
                "MultiBioDataSupport",
                if new {
                    "0:1:0:0:0:0:0:0:1:1"
                } else {
                    "0:1:0:0:0:0:0:0:0:0"
                },
            ),
            (
                "MultiBioPhotoSupport",
                if new {
                    "0:0:0:0:0:0:0:0:0:1"
                } else {
                    "0:0:0:0:0:0:0:0:0:0"
                },
            ),
            ("UserPicURLFunOn", "0"),
            ("Language", "69"),
            ("~PIN2Width", "14"),
            ("LockCount", "1"),
        ]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demonstrations_terminals_have_the_models_their_names_say() {
        for (terminal, model) in DEMO_TERMINALS.iter().zip(DEMO_MODELS) {
            assert_eq!(terminal.model, model.name);
            assert_eq!(terminal.access, model.generation == Generation::Access);
        }
    }

    #[test]
    fn shares_of_verify_codes_add_up() {
        for model in DEMO_MODELS {
            assert_eq!(
                model.verify.iter().map(|(_, share)| share).sum::<u32>(),
                100,
                "{}",
                model.name
            );
        }
    }
}
