//! The numbers of the EasyTimePro appendix and what they mean: `code` and `msg` of a refusal in
//! that profile. Numbers whose feature does not exist here stay in the table unused.

pub const PROGRAM_ERROR: i32 = -1;
pub const EMPTY_DEPARTMENT: i32 = -10;
pub const DEPARTMENT_EXISTS: i32 = -12;
pub const NO_DEPARTMENT: i32 = -13;
pub const BAD_PARENT_DEPARTMENT: i32 = -14;
pub const DEPARTMENT_STAYS: i32 = -15;
pub const EMPTY_PIN: i32 = -20;
pub const NO_PERSON: i32 = -22;
pub const CARD_USED: i32 = -23;
pub const BAD_PIN: i32 = -29;
pub const BAD_BIO_TYPE: i32 = -32;
pub const BAD_FINGER: i32 = -33;
pub const DOOR_SECONDS: i32 = -45;
pub const NO_DOOR: i32 = -47;
pub const UNSUPPORTED_FORMAT: i32 = -71;
pub const NO_AREA: i32 = -80;
pub const PINS_MISSING: i32 = -81;
pub const AREA_MISSING: i32 = -83;
pub const PAGE_NOT_POSITIVE: i32 = -90;
pub const PAGE_TOO_LARGE: i32 = -91;
pub const PAGE_MISSING: i32 = -92;
pub const BAD_TIME: i32 = -100;
pub const START_AFTER_END: i32 = -101;
pub const SN_REQUIRED: i32 = -200;
pub const BAD_ACTION: i32 = -220;
pub const BAD_PHOTO: i32 = -262;

const MEANINGS: &[(i32, &str)] = &[
    (-1, "Program error"),
    (-10, "The department number or name cannot be empty"),
    (-12, "The department name has already existed"),
    (-13, "The department number does not exist"),
    (-14, "Cannot be set as parent department"),
    (-15, "Cannot delete department"),
    (-20, "Pin number cannot be empty"),
    (-22, "The person does not exist"),
    (-23, "The card number has been used"),
    (-24, "The level group does not exist"),
    (-25, "No person under the access level"),
    (-26, "The password has been used"),
    (-27, "Invalid personnel photo"),
    (-29, "PIN exception"),
    (-31, "The personnel fingerprint already existed!"),
    (-32, "Input wrong validtype!"),
    (-33, "Fingerprint template index range is from 0-9!"),
    (-34, "templateNo not existed!"),
    (-40, "Authorize access failure"),
    (-41, "Delete access level failure"),
    (-42, "Personnel ID or access level id is null"),
    (-43, "Access level id can’t be null"),
    (-44, "Door id can’t be null"),
    (-45, "Door open duration between 1~254 seconds."),
    (-46, "Door name can’t be null"),
    (-47, "Door doesn’t exist"),
    (-48, "Device serial number can’t be null"),
    (-70, "Advertisement doesn’t exist"),
    (-71, "Didn’t support this format"),
    (-80, "Area didn’t exist"),
    (-81, "Pins not allowed to be null"),
    (-82, "Pins length not allowed over 500"),
    (-83, "Area ID can’t be null"),
    (
        -90,
        "PageNo or pageSize cannot be set less than or equal to 0",
    ),
    (-91, "PageSize is greater than 1000"),
    (-92, "PageSize and pageNo cannot be empty"),
    (-100, "Time format error"),
    (-101, "Start time cannot be greater than end time"),
    (-200, "SN is required"),
    (-201, "Floor Id is required"),
    (-202, "The door opening time is required"),
    (-203, "The door opening time needs to be greater than 0"),
    (-220, "Operation type error"),
    (-221, "Black and whitelist type error"),
    (-222, "Time parameter error"),
    (-223, "Car license plate is incorrect"),
    (-262, "The photo is not qualified."),
    (-263, "Reader ID cannot empty"),
    (-264, "Did not exist this reader"),
    (-265, "The Open Gate Type cannot be empty"),
    (-266, "Open Gate Type incorrect"),
];

/// What a number means; an unknown one means as much as −1.
pub fn meaning(code: i32) -> &'static str {
    MEANINGS
        .iter()
        .find(|(number, _)| *number == code)
        .map_or("Program error", |(_, text)| text)
}

#[cfg(test)]
mod tests {
    use super::{MEANINGS, meaning};

    #[test]
    fn the_table_falls_and_names_each_number_once() {
        assert!(MEANINGS.windows(2).all(|pair| pair[0].0 > pair[1].0));
        assert_eq!(MEANINGS.len(), 51);
        assert_eq!(meaning(-22), "The person does not exist");
    }
}
